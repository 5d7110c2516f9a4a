"""HLS playlists from tracks (RFC 8216; Apple's authoring clauses in []).

A growing media playlist is EVENT and says that players begin at 0; a finished one is VOD [8.6, 8.8].
The target duration is that of all planned segments from the beginning (RFC 8216, 4.3.3.1: it must not change).
"""

from collections.abc import Iterable, Sequence, Set

from vlogd.media.streaming.tracks import IFRAMES, Rate, Track

_FIRST_BITS_PER_SECOND = 2_000_000
"""Most players begin with the variant that is listed first [1.32]."""

_HEAD = ("#EXTM3U", "#EXT-X-VERSION:7")


def media_playlist(
    track: Track, count: int, *, target: int, complete: bool, empty: Set[int] = frozenset()
) -> bytes:
    """The first `count` segments of a track. An `empty` segment, one without a frame, becomes a gap.

    `target`: the target duration (seconds) of all tracks that are played together.
    """
    lines = [
        *_HEAD,
        target_line(target),
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if complete else 'EVENT'}",
    ]
    if track.kind != "subtitles":
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    if not complete:
        lines.append("#EXT-X-START:TIME-OFFSET=0")
    if track.init:
        lines.append(f"#EXT-X-MAP:{_quoted('URI', track.init)}")
    for number in range(count):
        if number in empty:
            lines.append("#EXT-X-GAP")
        lines += [f"#EXTINF:{track.seconds(number):.6f},", track.segment(number)]
    if complete:
        lines.append("#EXT-X-ENDLIST")
    return _text(lines)


def target_line(seconds: int) -> str:
    """The line of a media playlist that has the target duration."""
    return f"#EXT-X-TARGETDURATION:{seconds}"


def target_seconds(tracks: Iterable[Track]) -> int:
    """EXT-X-TARGETDURATION of all `tracks`: no segment of any, rounded, is longer (RFC 8216, 4.3.3.1).

    All playlists of a stream have the same (RFC 8216, 6.2.4; Apple 8.2), although a segment of audio may be some milliseconds
    longer or shorter than that of the video.
    """
    longest = max(track.seconds(number) for track in tracks for number in range(len(track.durations)))
    return max(1, int(longest + 0.5))


def iframe_playlist(track: Track) -> bytes:
    """The key frames of a finished video track, for scrubbing [6.1, 6.8]."""
    frame_count = sum(len(row) // 2 for row in track.iframes)
    lines = [*_HEAD, target_line(target_seconds([track])), "#EXT-X-MEDIA-SEQUENCE:0",
             "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-I-FRAMES-ONLY"]  # fmt: skip
    if track.init:
        lines.append(f"#EXT-X-MAP:{_quoted('URI', track.init)}")
    for number, row in enumerate(track.iframes[: len(track.durations)] if frame_count else ()):
        frames = list(zip(row[::2], row[1::2], strict=True))
        for offset, length in frames:
            lines += [
                f"#EXTINF:{track.seconds(number) / len(frames):.6f},",
                f"#EXT-X-BYTERANGE:{length}@{offset}",
                track.segment(number),
            ]
    return _text([*lines, "#EXT-X-ENDLIST"])


def iframe_rate(track: Track) -> Rate:
    """The rate of an I-frame playlist: a player shows one key frame for each of its EXTINF [6.5]."""
    segments = [
        (sum(row[1::2]) * 8, track.seconds(number)) for number, row in enumerate(track.iframes) if row
    ]
    if not segments:
        return Rate()
    average = sum(bits for bits, _ in segments) / sum(seconds for _, seconds in segments)
    return Rate(round(max(bits / seconds for bits, seconds in segments)), round(average))


def master_playlist(tracks: Sequence[Track]) -> bytes:
    """The master playlist. BANDWIDTH is that of video and audio together [9.13 to 9.15]."""
    video_tracks = [track for track in tracks if track.kind == "video"]
    audio_tracks = [track for track in tracks if track.kind == "audio"]
    subtitle_tracks = [track for track in tracks if track.kind == "subtitles"]
    lines = [*_HEAD, "#EXT-X-INDEPENDENT-SEGMENTS"]
    if video_tracks or len(audio_tracks) > 1:
        lines += [_media(track, "AUDIO") for track in audio_tracks]
    lines += [_media(track, "SUBTITLES") for track in subtitle_tracks]
    also = ['SUBTITLES="subtitles"'] if subtitle_tracks else []
    groups = list(dict.fromkeys(track.group for track in audio_tracks)) or [""]
    for group in groups:
        members = [track for track in audio_tracks if track.group == group]
        for track in _listed(video_tracks):
            lines += [_variant(track, members, [*also, "CLOSED-CAPTIONS=NONE"]), track.address]
    if not video_tracks:
        first = next((track for track in audio_tracks if track.default), audio_tracks[0])
        group_attribute = [_quoted("AUDIO", first.group)] if len(audio_tracks) > 1 else []
        attributes = [_quoted("CODECS", first.codec), *group_attribute, *also]
        lines += [_stream(first.rate, attributes), first.address]
    lines += [_iframe_stream(track) for track in video_tracks if any(track.iframes)]
    return _text(lines)


def _listed(video_tracks: Sequence[Track]) -> list[Track]:
    """The variant nearest to 2000 kbit/s first, then the others in the given order (largest first).

    Only an H.264 one may be first, where there is one: every player supports it [1.12].
    """
    if not video_tracks:
        return []
    eligible = [track for track in video_tracks if track.codec.startswith("avc1")] or list(video_tracks)
    first = min(eligible, key=lambda track: abs(track.rate.average - _FIRST_BITS_PER_SECOND))
    return [first, *(track for track in video_tracks if track is not first)]


def _media(track: Track, kind: str) -> str:
    yes = {True: "YES", False: "NO"}
    attributes = [
        f"TYPE={kind}",
        _quoted("GROUP-ID", track.group),
        _quoted("LANGUAGE", track.language),
        _quoted("NAME", track.name),
        f"DEFAULT={yes[track.default]}",
        "AUTOSELECT=YES",
    ]
    if kind == "SUBTITLES":
        attributes.append("FORCED=NO")
    if track.channels:
        attributes.append(_quoted("CHANNELS", track.channels))
    return "#EXT-X-MEDIA:" + ",".join([*attributes, _quoted("URI", track.address)])


def _variant(track: Track, audio: Sequence[Track], also: Sequence[str]) -> str:
    """The combination with the highest rate: the video with the largest audio track of the group."""
    audio_rate = Rate(
        max((rendition.rate.peak for rendition in audio), default=0),
        max((rendition.rate.average for rendition in audio), default=0),
    )
    codecs = list(dict.fromkeys([track.codec, *(rendition.codec for rendition in audio)]))
    attributes = [
        _quoted("CODECS", ",".join(filter(None, codecs))),
        f"RESOLUTION={track.width}x{track.height}",
        f"FRAME-RATE={track.frame_rate:.3f}",
        f"VIDEO-RANGE={track.video_range}",
        *([_quoted("AUDIO", audio[0].group)] if audio else []),
        *also,
    ]
    return _stream(track.rate + audio_rate, attributes)


def _iframe_stream(track: Track) -> str:
    rate = iframe_rate(track)
    return (
        f"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={max(1, rate.peak)},AVERAGE-BANDWIDTH={max(1, rate.average)},"
        f"{_quoted('CODECS', track.codec)},RESOLUTION={track.width}x{track.height},"
        f"VIDEO-RANGE={track.video_range},{_quoted('URI', f'{track.base}{track.folder}/{IFRAMES}')}"
    )


def _stream(total: Rate, attributes: Sequence[str]) -> str:
    rates = [f"BANDWIDTH={max(1, total.peak)}", f"AVERAGE-BANDWIDTH={max(1, total.average)}"]
    return "#EXT-X-STREAM-INF:" + ",".join([*rates, *attributes])


def _quoted(name: str, value: object) -> str:
    """An attribute whose value is a quoted-string, which may hold neither quotes nor line ends (RFC 8216, 4.2)."""
    text = "".join(c for c in str(value) if c.isprintable() and c != '"')
    return f'{name}="{text}"'


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
