"""Rules of one media playlist and its segments."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from vlogd.media.conformance.checked_track import CheckedTrack
from vlogd.media.conformance.samples import SegmentSamples
from vlogd.media.conformance.violations import Violation, must, should
from vlogd.media.streaming import fragment_reader
from vlogd.media.streaming.hls_reader import MediaPlaylist

_TARGET_SECONDS = 6
"""The target duration that Apple advises (7.5)."""
_OVER_TARGET_SECONDS = 0.5
"""How far a segment may exceed the target duration (Apple 7.7)."""
_LONGEST_GOP_SECONDS = 2.1
"""Apple advises key frames every two seconds (1.13); the rest is for frame rates that do not divide them."""
_FRAME_SECONDS = 0.1
"""The length of a frame where no two frames show it: that of the slowest usual rate, ten a second."""
_AUDIO_FRAME_SAMPLES = 2048
"""The longest AAC frame, that of HE-AAC (ISO/IEC 14496-3)."""
_ROUNDING_SECONDS = 0.002
"""EXTINF and the samples' times are each rounded to a millisecond at worst."""
_TS_SLACK_TICKS = 9000
"""MPEG-TS gives no duration of a segment's last frame: a tenth of a second."""
_HEAD_BYTES = 1024
"""X-TIMESTAMP-MAP stands in the head of a WebVTT file (RFC 8216, 3.5)."""
_BOX_HEADER_BYTES = 8
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def of_playlist(track: CheckedTrack) -> Iterator[Violation]:
    """Rules that its text alone can break."""
    playlist = track.playlist
    yield from _target(track.uri, playlist)
    if not playlist.segments:
        yield must("RFC 8216 4.3.2", track.uri, "It names no segment.")
    if playlist.kind == "VOD" and not playlist.ended:
        yield must("RFC 8216 4.3.3.5", track.uri, "It is VOD but has no EXT-X-ENDLIST.")
    if playlist.ended and playlist.kind != "VOD":
        yield should("Apple 8.6", track.uri, "It is finished but not VOD.")
    names_mp4 = any(
        segment.uri.partition("?")[0].endswith((".m4s", ".mp4", ".m4v", ".m4a"))
        for segment in playlist.segments
    )
    if names_mp4 and any(segment.init is None for segment in playlist.segments):
        yield must("Apple 8.20", track.uri, "Fragmented MP4 needs an EXT-X-MAP.")


def _target(uri: str, playlist: MediaPlaylist) -> Iterator[Violation]:
    """The target duration against the segments (RFC 8216, 4.3.3.1)."""
    if playlist.target_seconds is None:
        yield must("RFC 8216 4.3.3.1", uri, "EXT-X-TARGETDURATION is missing.")
        return
    for segment in playlist.segments:
        lasts = f"{segment.uri} lasts {segment.seconds:.3f} s"
        if round(segment.seconds) > playlist.target_seconds:
            yield must("RFC 8216 4.3.3.1", uri, f"{lasts}, longer than the target duration of "
                       f"{playlist.target_seconds} s.")  # fmt: skip
        elif segment.seconds > playlist.target_seconds + _OVER_TARGET_SECONDS:
            yield must("Apple 7.7", uri, f"{lasts}, more than half a second over the target.")
    if playlist.target_seconds > _TARGET_SECONDS:
        yield should(
            "Apple 7.5", uri, f"Its target duration is {playlist.target_seconds} s; 6 s are advised."
        )


def of_segments(track: CheckedTrack) -> Iterator[Violation]:
    """Rules for its segments, one by one and each against the previous one."""
    if track.playlist.encrypted:
        yield should("encrypted", track.uri, "Its segments are encrypted: they were not looked into.")
        return
    if track.samples.init_fault:
        yield must("RFC 8216 3.3", track.uri, f"Its init segment cannot be used: {track.samples.init_fault}.")
        return
    for segment, part in zip(track.playlist.segments, track.samples.segments, strict=True):
        if part is None:
            continue
        where = f"{track.uri} {segment.uri}"
        if part.fault:
            yield must("RFC 8216 3", where, f"The segment cannot be played: {part.fault}.")
            continue
        if not part.starts_with_key:
            yield must("Apple 7.4", where, "It does not begin with a key frame.")
        yield from _duration(track, where, segment.seconds, part)
        if track.is_video and len(set(part.pts)) != len(part.pts):
            yield must("RFC 8216 3", where, "Two of its frames are shown at the same time.")
    yield from _sequence(track)
    if track.is_video:
        yield from _key_frames(track)


def _duration(track: CheckedTrack, where: str, seconds: float, part: SegmentSamples) -> Iterator[Violation]:
    if part.duration is None:
        return
    measured = part.duration / track.samples.timescale
    if abs(measured - seconds) > max(_ROUNDING_SECONDS, _slack_seconds(track, part)):
        yield must("Apple 8.1", where, f"EXTINF says {seconds:.3f} s, its samples last {measured:.3f} s.")


def _slack_seconds(track: CheckedTrack, part: SegmentSamples) -> float:
    """By how much EXTINF may differ: half a frame of video; an audio frame, as a first one may prime the decoder."""
    if not track.is_video:
        return _AUDIO_FRAME_SAMPLES / track.samples.timescale
    gaps = sorted(after - before for before, after in pairwise(part.pts))
    usual = gaps[len(gaps) // 2] / track.samples.timescale / 2 if gaps else _FRAME_SECONDS
    return min(_FRAME_SECONDS, usual)


def _key_frames(track: CheckedTrack) -> Iterator[Violation]:
    """The longest stretch between key frames (Apple 1.13)."""
    rows = [[*part.keys, part.pts[-1]] for part in track.samples.segments if part is not None and part.keys]
    gaps = [after - before for row in rows for before, after in pairwise(row)]
    widest = max(gaps, default=0) / track.samples.timescale
    if widest > _LONGEST_GOP_SECONDS:
        yield should(
            "Apple 1.13", track.uri, f"Its key frames are up to {widest:.1f} s apart; 2 s are advised."
        )


def _sequence(track: CheckedTrack) -> Iterator[Violation]:
    """Decoding times continue without a gap; frames come in order, each once (Apple 7.3)."""
    before: SegmentSamples | None = None
    for segment, part in zip(track.playlist.segments, track.samples.segments, strict=True):
        if part is None or part.fault:
            before = None
            continue
        if before is not None:
            for sentence in _after(before, part, track):
                yield must("Apple 7.3", f"{track.uri} {segment.uri}", sentence)
        before = part


def _after(before: SegmentSamples, part: SegmentSamples, track: CheckedTrack) -> Iterator[str]:
    """What is wrong with `part` following `before`."""
    timescale = track.samples.timescale
    if before.decode_time is not None and before.duration is not None and part.decode_time is not None:
        gap = part.decode_time - before.decode_time - before.duration
        if gap:
            yield f"It begins {gap / timescale:+.3f} s away from the end of the segment before it."
    elif abs(part.pts[0] - before.pts[-1]) > timescale and part.pts[0] < before.pts[-1] + _TS_SLACK_TICKS:
        yield "It begins before the segment before it ends."
    if track.is_video and part.pts[0] <= before.pts[-1]:
        yield "It shows frames of the segment before it again."


def of_subtitles(uri: str, playlist: MediaPlaylist) -> Iterator[Violation]:
    """A subtitle playlist: its WebVTT files exist and state how their times relate to the video (Apple 5.2)."""
    for segment in playlist.segments:
        where = f"{uri} {segment.uri}"
        if segment.path is None or not segment.path.is_file():
            yield must("RFC 8216 3", where, "The segment is not there.")
            continue
        head = fragment_reader.read_span(segment.path, 0, _HEAD_BYTES)
        if not head.removeprefix(_BYTE_ORDER_MARK).startswith(b"WEBVTT"):
            yield must("RFC 8216 3.5", where, "It is not WebVTT.")
        elif b"X-TIMESTAMP-MAP" not in head:
            yield must("Apple 5.2", where, "X-TIMESTAMP-MAP is missing.")


def of_iframes(uri: str, playlist: MediaPlaylist) -> Iterator[Violation]:
    """An I-frame playlist: each range is one key frame with its moof (Apple 6.8, 6.10)."""
    if not playlist.iframes_only:
        yield must("Apple 6.8", uri, "EXT-X-I-FRAMES-ONLY is missing.")
    for segment in playlist.segments:
        where = f"{uri} {segment.uri}"
        if segment.path is None or not segment.path.is_file():
            yield must("RFC 8216 3", where, "The segment is not there.")
        elif segment.init is not None and segment.span and not _is_fragment(segment.path, *segment.span):
            yield must(
                "Apple 6.10", where, "Its byte range does not begin with a moof, or ends behind the file."
            )


def _is_fragment(path: Path, start: int, length: int) -> bool:
    if start + length > path.stat().st_size:
        return False
    return fragment_reader.read_span(path, start, min(length, _BOX_HEADER_BYTES))[4:] == b"moof"
