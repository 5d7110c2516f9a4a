"""The tools and the formats: ffmpeg and ffprobe, encoders, MP4, HLS, DASH, WebVTT, and the rules a stream must keep.

The sentences that refuse a file are here too (`refusals`). Knows files, not videos: nothing here depends on items,
stages or the library. May import `core`.
"""
