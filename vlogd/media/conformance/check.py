"""Does a published stream conform? For any HLS folder, even one that vlogd did not make.

From the top: the master playlist (`rules_master`), each media playlist and its segments (`rules_media`), the tracks
against each other and against vlogd's own plan (`rules_cross_track`), and what a decoder says. Nothing outside the
stream's folder is read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlogd.core.cancellation import Stop
from vlogd.core.errors import ToolFailed
from vlogd.media import ffmpeg
from vlogd.media.conformance import rules_cross_track, rules_master, rules_media, samples
from vlogd.media.conformance.checked_track import CheckedTrack
from vlogd.media.conformance.violations import Violation, must
from vlogd.media.process import Limits
from vlogd.media.streaming import hls_reader
from vlogd.media.streaming.hls_reader import Master, MediaPlaylist, Unreadable

Decode = Literal["all", "key-frames", "none"]
_Kind = Literal["video", "audio", "subtitles", "iframes"]


@dataclass(frozen=True)
class CheckOptions:
    """How to check. `decode`: every frame, key frames only (a sixtieth of the work), or none.

    `on_progress` is called with the share that is done, from 0 to 1.
    """

    limits: Limits
    decode: Decode = "all"
    stop: Stop | None = None
    on_progress: Callable[[float], None] = lambda _share: None


def stream(path: Path, options: CheckOptions, root: Path | None = None) -> list[Violation]:
    """What is wrong with the stream whose master (or only media) playlist is `path`; empty when nothing is.

    `root`: the folder outside which nothing is read; that of `path` unless given. Raises Stopping, OSError when the
    disk fails, and Unavailable when ffmpeg cannot be run.
    """
    root = root or path.parent
    try:
        if not hls_reader.is_master(path):
            return _lone_playlist(path, root, options)
        master = hls_reader.master(path)
    except Unreadable as error:
        return [must("RFC 8216 4.3", path.name, f"The playlist cannot be used: {error}.")]
    violations = list(rules_master.of_itself(master))
    checked: list[CheckedTrack] = []
    kinds = _media_playlists(master)
    for number, (uri, kind) in enumerate(kinds.items()):
        options.on_progress(number / max(1, len(kinds)))
        violations += _listed_playlist(master, uri, kind, root, options, checked)
    violations += rules_cross_track.of_tracks(master, checked)
    violations += rules_cross_track.of_plan(path.parent, checked)
    return violations


def _media_playlists(master: Master) -> dict[str, _Kind]:
    """The address of each media playlist, once, with the kind that it is listed as."""
    kinds: dict[str, _Kind] = dict.fromkeys((variant.uri for variant in master.variants), "video")
    for rendition in master.renditions:
        if rendition.kind == "AUDIO":
            kinds[rendition.uri] = "audio"
    for rendition in master.renditions:
        if rendition.kind == "SUBTITLES":
            kinds[rendition.uri] = "subtitles"
    return kinds | dict.fromkeys(master.iframes, "iframes")


def _listed_playlist(
    master: Master, uri: str, kind: _Kind, root: Path, options: CheckOptions, checked: list[CheckedTrack]
) -> Iterator[Violation]:
    """Check one media playlist; one of video or audio is added to `checked`."""
    try:
        playlist = hls_reader.media(hls_reader.below(root, master.path.parent, uri), root)
    except Unreadable as error:
        yield must("RFC 8216 4.3", uri, f"The playlist cannot be used: {error}.")
        return
    if kind == "subtitles":
        yield from rules_media.of_subtitles(uri, playlist)
    elif kind == "iframes":
        yield from rules_media.of_iframes(uri, playlist)
    else:
        parts = samples.read(playlist, options.limits, options.stop)
        track = CheckedTrack(uri, kind == "video", playlist, parts)
        checked.append(track)
        yield from _track(track, options)


def _lone_playlist(path: Path, root: Path, options: CheckOptions) -> list[Violation]:
    playlist = hls_reader.media(path, root)
    parts = samples.read(playlist, options.limits, options.stop)
    return list(
        _track(CheckedTrack(path.name, listed_as_video=True, playlist=playlist, samples=parts), options)
    )


def _track(track: CheckedTrack, options: CheckOptions) -> Iterator[Violation]:
    yield from rules_media.of_playlist(track)
    yield from rules_media.of_segments(track)
    if options.decode != "none" and track.is_readable:
        yield from _decoded(track, options)


def _folders(playlist: MediaPlaylist) -> tuple[Path, ...]:
    """Where the files lie that the playlist names."""
    files = [
        path for segment in playlist.segments for path in (segment.init, segment.path) if path is not None
    ]
    return tuple(dict.fromkeys(path.resolve().parent for path in files))


def _decoded(track: CheckedTrack, options: CheckOptions) -> Iterator[Violation]:
    """The errors that ffmpeg reports when it decodes the track, and whether it decodes all frames."""
    key_frames_only = options.decode == "key-frames" and track.is_video
    frame_counts: list[int] = []
    source = ffmpeg.raw_source(track.playlist.path, **({"skip_frame": "nokey"} if key_frames_only else {}))
    # passthrough: every frame is counted, where the default drops and doubles some to keep a constant rate.
    output = ffmpeg.output(source, Path("/dev/null"), f="null", fps_mode="passthrough")
    try:
        # -xerror: an error of the decoder ends ffmpeg with a failure instead of a gap.
        ffmpeg.run([output], limits=options.limits, stop=options.stop, global_options=("-xerror",),
                   on_frame_count=frame_counts.append, reads=_folders(track.playlist))  # fmt: skip
    except ToolFailed as error:
        complaint = error.stderr_tail[-1] if error.stderr_tail else str(error)
        yield must("decode", track.uri, f"ffmpeg does not decode it without a complaint: {complaint}")
        return
    parts = [part for part in track.samples.segments if part is not None]
    expected = sum(len(part.keys if key_frames_only else part.pts) for part in parts)
    decoded = frame_counts[-1] if frame_counts else 0
    if track.listed_as_video and track.is_video and decoded != expected:
        yield must("decode", track.uri, f"{expected} frames are in its segments, {decoded} are decoded.")
