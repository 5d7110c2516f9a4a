"""Does a published stream keep the rules? Of any HLS folder, also one that vlogd did not make.

Looked at from the top: the master playlist (`rules_master`), each media playlist and its segments
(`rules_media`), the tracks against each other and against vlogd's own plan (`rules_together`), and what a
decoder says. Reading stays inside the stream's folder.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlogd.core.cancellation import Stop
from vlogd.core.errors import ToolFailed
from vlogd.media import ffmpeg
from vlogd.media.conformance import rules_cross_track, rules_master, rules_media, samples
from vlogd.media.conformance.findings import Finding, must
from vlogd.media.conformance.rules_cross_track import Looked
from vlogd.media.process import Limits
from vlogd.media.streaming import hls_reader
from vlogd.media.streaming.hls_reader import Unreadable

Decode = Literal["all", "key-frames", "none"]


@dataclass(frozen=True)
class Look:
    """How to look. `decode`: every picture, key frames only (a sixtieth of the work), or none."""

    limits: Limits
    decode: Decode = "all"
    stop: Stop | None = None
    tell_progress: Callable[[float], None] = lambda _share: None


def stream(path: Path, look: Look, root: Path | None = None) -> list[Finding]:
    """What is wrong with the stream whose master (or only media) playlist is `path`; empty when nothing is.

    `root`: the folder outside which nothing is read; that of `path` unless given.
    """
    root = root or path.parent
    try:
        if not hls_reader.is_master(path):
            return _track_alone(path, root, look)
        master = hls_reader.master(path)
    except Unreadable as error:
        return [must("RFC 8216 4.3", path.name, f"The playlist cannot be used: {error}.")]
    findings = list(rules_master.of_itself(master))
    looked: list[Looked] = []
    addresses = _addresses(master)
    for number, (uri, kind) in enumerate(addresses.items()):
        look.tell_progress(number / max(1, len(addresses)))
        found = list(_track(master, uri, kind, root, look, looked))
        findings += found
    findings += rules_cross_track.of_tracks(master, looked)
    findings += rules_cross_track.of_plan(path.parent, looked)
    return findings


def _addresses(master: hls_reader.Master) -> dict[str, str]:
    """Each media playlist once, with what it is."""
    found = {one.uri: "picture" for one in master.variants}
    sounds = {one.uri: "sound" for one in master.renditions if one.kind == "AUDIO"}
    texts = {one.uri: "text" for one in master.renditions if one.kind == "SUBTITLES"}
    return {**found, **sounds, **texts, **dict.fromkeys(master.iframes, "iframes")}


def _track(
    master: hls_reader.Master, uri: str, kind: str, root: Path, look: Look, looked: list[Looked]
) -> Iterator[Finding]:
    try:
        playlist = hls_reader.media(hls_reader.below(root, master.path.parent, uri), root)
    except Unreadable as error:
        yield must("RFC 8216 4.3", uri, f"The playlist cannot be used: {error}.")
        return
    if kind == "text":
        yield from rules_media.of_text(uri, playlist)
        return
    if kind == "iframes":
        yield from rules_media.of_iframes(uri, playlist)
        return
    one = Looked(uri, kind, playlist, samples.read(playlist, look.limits, look.stop))
    looked.append(one)
    yield from rules_media.of_playlist(one)
    yield from rules_media.of_segments(one)
    yield from _decoded(one, look)


def _track_alone(path: Path, root: Path, look: Look) -> list[Finding]:
    playlist = hls_reader.media(path, root)
    one = Looked(path.name, "picture", playlist, samples.read(playlist, look.limits, look.stop))
    return [*rules_media.of_playlist(one), *rules_media.of_segments(one), *_decoded(one, look)]


def _decoded(one: Looked, look: Look) -> Iterator[Finding]:
    """What ffmpeg says when it decodes the track; it also counts the pictures."""
    if look.decode == "none" or one.playlist.encrypted or any(s and s.fault for s in one.contents.segments):
        return
    options = {"skip_frame": "nokey"} if look.decode == "key-frames" and one.kind == "picture" else {}
    counted: list[int] = []
    source = ffmpeg.raw_source(one.playlist.path, **options)
    complaint = ""
    try:
        ffmpeg.run([ffmpeg.output(source, Path("/dev/null"), f="null", fps_mode="passthrough")], limits=look.limits,
                   stop=look.stop, global_options=("-xerror",), tell_frames=counted.append)  # fmt: skip
    except ToolFailed as error:
        complaint = error.stderr_tail[-1] if error.stderr_tail else str(error)
    if complaint:
        yield must("decode", one.uri, f"ffmpeg does not decode it without a complaint: {complaint}")
        return
    yield from _counted(one, look.decode, counted[-1] if counted else 0)


def _counted(one: Looked, decode: Decode, frames: int) -> Iterator[Finding]:
    parts: Sequence[samples.Samples] = [part for part in one.contents.segments if part is not None]
    wanted = sum(len(part.keys if decode == "key-frames" else part.pts) for part in parts)
    if one.kind == "picture" and one.has_pictures and frames != wanted:
        yield must("decode", one.uri, f"{wanted} pictures are in its segments, {frames} are decoded.")
