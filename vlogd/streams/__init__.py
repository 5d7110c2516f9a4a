"""What a published stream is made of, whoever makes or reads it: segments, tracks, playlists, rules.

`mp4` (fragments with exact times), `tracks` (what there is to play, as plain data), `playlists` (HLS,
RFC 8216), `dash` (the same segments as MPEG-DASH), `check` and its fellows (does a folder keep the rules?).
"""
