"""Rules of one media playlist and its segments."""

from collections.abc import Iterator
from itertools import pairwise

from vlogd.media.conformance.findings import Finding, must, should
from vlogd.media.conformance.rules_cross_track import Looked
from vlogd.media.conformance.samples import Samples, bytes_of
from vlogd.media.streaming.hls_reader import MediaPlaylist

_TARGET_SECONDS = 6
_OVER_TARGET_SECONDS = 0.5
_LONGEST_GOP_SECONDS = 2.1
_FRAME_SECONDS = 0.1
_SOUND_FRAME_SAMPLES = 2048
_TS_SLACK_TICKS = 9000


def of_playlist(one: Looked) -> Iterator[Finding]:
    """What its text says."""
    playlist = one.playlist
    if playlist.target_seconds is None:
        yield must("RFC 8216 4.3.3.1", one.uri, "EXT-X-TARGETDURATION is missing.")
    else:
        for segment in playlist.segments:
            if round(segment.seconds) > playlist.target_seconds:
                yield must("RFC 8216 4.3.3.1", one.uri, f"{segment.uri} lasts {segment.seconds:.3f} s, longer than the "
                           f"target duration of {playlist.target_seconds} s.")  # fmt: skip
            elif segment.seconds > playlist.target_seconds + _OVER_TARGET_SECONDS:
                yield must("Apple 7.7", one.uri, f"{segment.uri} lasts {segment.seconds:.3f} s, more than half a second over "
                           "the target.")  # fmt: skip
        if playlist.target_seconds > _TARGET_SECONDS:
            yield should(
                "Apple 7.5", one.uri, f"Its target duration is {playlist.target_seconds} s; 6 s are advised."
            )
    if not playlist.segments:
        yield must("RFC 8216 4.3.2", one.uri, "It names no segment.")
    if playlist.kind == "VOD" and not playlist.ended:
        yield must("RFC 8216 4.3.3.5", one.uri, "It is VOD but has no EXT-X-ENDLIST.")
    if playlist.ended and playlist.kind != "VOD":
        yield should("Apple 8.6", one.uri, "It is finished but not VOD.")
    names_mp4 = any(
        segment.uri.partition("?")[0].endswith((".m4s", ".mp4", ".m4v", ".m4a"))
        for segment in playlist.segments
    )
    if names_mp4 and any(segment.init is None for segment in playlist.segments):
        yield must("Apple 8.20", one.uri, "Fragmented MP4 needs an EXT-X-MAP.")


def of_segments(one: Looked) -> Iterator[Finding]:
    """What its files say, one by one and each after the one before."""
    if one.playlist.encrypted:
        yield should("encrypted", one.uri, "Its segments are encrypted: they were not looked into.")
        return
    for segment, found in zip(one.playlist.segments, one.contents.segments, strict=True):
        if found is None:
            continue
        where = f"{one.uri} {segment.uri}"
        if found.fault:
            yield must("RFC 8216 3", where, f"The segment cannot be played: {found.fault}.")
            continue
        if not found.starts_with_key:
            yield must("Apple 7.4", where, "It does not begin with a key frame.")
        yield from _length(one, where, segment.seconds, found)
        if one.has_pictures:
            yield from _pictures(where, found)
    yield from _sequence(one)
    if one.has_pictures:
        yield from _key_frames(one)


def _length(one: Looked, where: str, seconds: float, found: Samples) -> Iterator[Finding]:
    if found.length is None:
        return
    real = found.length / one.contents.timescale
    slack = _FRAME_SECONDS if one.has_pictures else _SOUND_FRAME_SAMPLES / one.contents.timescale
    if abs(real - seconds) > min(slack, max(0.002, _one_picture(one, found))):
        yield must("Apple 8.1", where, f"EXTINF says {seconds:.3f} s, its samples last {real:.3f} s.")


def _one_picture(one: Looked, found: Samples) -> float:
    """The usual distance of two samples, in seconds; a first AAC frame may prime the decoder."""
    if not one.has_pictures:
        return _SOUND_FRAME_SAMPLES / one.contents.timescale
    gaps = sorted(after - before for before, after in pairwise(found.pts))
    return gaps[len(gaps) // 2] / one.contents.timescale / 2 if gaps else _FRAME_SECONDS


def _pictures(where: str, found: Samples) -> Iterator[Finding]:
    if len(set(found.pts)) != len(found.pts):
        yield must("RFC 8216 3", where, "Two of its pictures are shown at the same time.")


def _key_frames(one: Looked) -> Iterator[Finding]:
    """The longest stretch between key frames [1.13]."""
    borders = [
        [*found.keys, found.pts[-1]] for found in one.contents.segments if found is not None and found.keys
    ]
    gaps = [after - before for row in borders for before, after in pairwise(row)]
    widest = max(gaps, default=0) / one.contents.timescale
    if widest > _LONGEST_GOP_SECONDS:
        yield should(
            "Apple 1.13", one.uri, f"Its key frames are up to {widest:.1f} s apart; 2 s are advised."
        )


def _sequence(one: Looked) -> Iterator[Finding]:
    """Decoding times go on without a gap; pictures come in order, each once [7.3]."""
    ticks = one.contents.timescale
    before: Samples | None = None
    for segment, found in zip(one.playlist.segments, one.contents.segments, strict=True):
        if found is None or found.fault:
            before = None
            continue
        where = f"{one.uri} {segment.uri}"
        if before is not None:
            if before.decode_time is not None and before.length is not None and found.decode_time is not None:
                gap = found.decode_time - before.decode_time - before.length
                if gap:
                    yield must(
                        "Apple 7.3",
                        where,
                        f"It begins {gap / ticks:+.3f} s away from the end of the segment before it.",
                    )
            elif (
                abs(found.pts[0] - before.pts[-1]) > ticks and found.pts[0] < before.pts[-1] + _TS_SLACK_TICKS
            ):
                yield must("Apple 7.3", where, "It begins before the segment before it ends.")
            if one.has_pictures and found.pts[0] <= before.pts[-1]:
                yield must("Apple 7.3", where, "It shows pictures of the segment before it again.")
        before = found


def of_text(uri: str, playlist: MediaPlaylist) -> Iterator[Finding]:
    """A subtitle playlist: WebVTT that is there and says how its times relate to the picture [5.2]."""
    for segment in playlist.segments:
        where = f"{uri} {segment.uri}"
        if segment.path is None or not segment.path.is_file():
            yield must("RFC 8216 3", where, "The segment is not there.")
            continue
        head = segment.path.read_bytes()[:1024]
        if not head.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
            yield must("RFC 8216 3.5", where, "It is not WebVTT.")
        elif b"X-TIMESTAMP-MAP" not in head:
            yield must("Apple 5.2", where, "X-TIMESTAMP-MAP is missing.")


def of_iframes(uri: str, playlist: MediaPlaylist) -> Iterator[Finding]:
    """An I-frame playlist: each range is one key frame with its moof [6.8, 6.10]."""
    if not playlist.iframes_only:
        yield must("Apple 6.8", uri, "EXT-X-I-FRAMES-ONLY is missing.")
    for segment in playlist.segments:
        where = f"{uri} {segment.uri}"
        if segment.path is None or not segment.path.is_file():
            yield must("RFC 8216 3", where, "The segment is not there.")
        elif segment.init is not None:
            data = bytes_of(segment, segment.path)
            if segment.span and (len(data) < segment.span[1] or data[4:8] != b"moof"):
                yield must(
                    "Apple 6.10", where, "Its byte range does not begin with a moof, or ends behind the file."
                )
