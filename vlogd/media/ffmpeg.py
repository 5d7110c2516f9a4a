"""Everything vlogd says to ffmpeg and ffprobe passes here; ffmpeg-python builds the arguments.

Dropped files are not trusted. Every input may only be read through the `file` and `pipe`
protocols and by one of the demuxers of `INPUT_FORMATS`: no playlist or concat script can make
ffmpeg open another file or address (ffmpeg-protocols(1), `protocol_whitelist`; ffmpeg-formats(1),
`format_whitelist`).

Graphs are ffmpeg-python streams (`Stream`), which carry no types; stages build them with
`source(...)`, their `.filter(...)` and `output(...)`, and give them to `run`.
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import ffmpeg

from vlogd.core import digest
from vlogd.core.cancellation import Stop
from vlogd.core.errors import ToolFailed, ToolStalled, Unavailable
from vlogd.media import process, read_errors
from vlogd.media.process import Limits

Stream = Any

INPUT_FORMATS = (
    "mov", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "asf", "ogg", "mxf", "gxf",
    "rm", "wtv", "dv", "nut", "ivf", "h264", "hevc", "av1", "m4v", "vc1", "y4m", "yuv4mpegpipe",
    "wav", "w64", "aiff", "mp3", "aac", "ac3", "eac3", "flac", "amr", "caf", "dts", "tta", "wv", "ape", "au",
)  # fmt: skip
"""Containers that hold a film or a sound by themselves: no playlists, scripts or single pictures."""

SOON = ("-stats_period", "0.1")
"""Global options of a run whose first segments somebody waits for: progress ten times a second."""

MOST_PIXELS = 100 << 20
"""The most that a picture may have: above, decoding one takes gigabytes (ffmpeg-codecs(1), `max_pixels`)."""

_SAFE_INPUT = {
    "protocol_whitelist": "file,pipe",
    "format_whitelist": ",".join(INPUT_FORMATS),
    "max_pixels": str(MOST_PIXELS),
}
_FILE = "file:"
_SCRATCH_NAME = re.compile("[0-9a-f]{32}")
"""What differs between two tries of the same command: the name of the part's scratch folder."""

_GLOBAL = ("-nostdin", "-hide_banner", "-v", "warning", "-nostats", "-progress", "pipe:1", "-y")


def argument(path: Path) -> str:
    """`path` as an ffmpeg argument: never taken for an option or a protocol, whatever its name."""
    return f"{_FILE}{path}"


def source(path: Path, **options: Any) -> Stream:
    """An untrusted input file. `options` are input options, without their dash."""
    return ffmpeg.input(argument(path), **{**_SAFE_INPUT, **options})


def raw_source(path: Path, **options: Any) -> Stream:
    """A file that vlogd made itself, of any format."""
    return ffmpeg.input(argument(path), **{"protocol_whitelist": "file,pipe", **options})


def generated(description: str) -> Stream:
    """Pictures or sound that ffmpeg makes up itself (libavfilter's virtual device)."""
    return ffmpeg.input(description, f="lavfi")


def output(streams: Sequence[Stream] | Stream, path: Path, **options: Any) -> Stream:
    """An output file fed by `streams`. `options` are output options, without their dash."""
    many = streams if isinstance(streams, list | tuple) else [streams]
    return ffmpeg.output(*many, argument(path), **options)


def command(outputs: Sequence[Stream], global_options: Sequence[str] = ()) -> list[str]:
    """The whole ffmpeg command of one graph with one or more outputs."""
    merged = outputs[0] if len(outputs) == 1 else ffmpeg.merge_outputs(*outputs)
    return ["ffmpeg", *_GLOBAL, *global_options, *ffmpeg.get_args(merged)]


def run(
    outputs: Sequence[Stream],
    *,
    limits: Limits,
    stop: Stop | None = None,
    tell_seconds: Callable[[float], None] | None = None,
    tell_frames: Callable[[int], None] | None = None,
    global_options: Sequence[str] = (),
) -> None:
    """Run one graph to its end.

    `tell_seconds` and `tell_frames` hear the output time and the number of pictures that were reached,
    about twice a second and at the end.

    Raises ToolFailed, ToolStalled, Stopping or Unavailable, as `process.run` does, and OSError when a disk is
    full or an input's disk fails: ffmpeg would take that for the end of the file.
    """
    progress = _Progress(tell_seconds, tell_frames)
    words = command(outputs, global_options)
    try:
        said = process.run(words, limits=limits, stop=stop, on_line=progress.hear, moved=progress.moved)
    except (ToolFailed, ToolStalled) as error:
        _check_disks(words, error.stderr_tail, stop)
        raise
    _check_disks(words, said, stop)


def _check_disks(words: Sequence[str], said: Sequence[str], stop: Stop | None) -> None:
    """Raise OSError when ffmpeg names a full disk, or an error of a disk and an input can indeed not be read.

    Raises Unavailable when all inputs can be read by now, but ffmpeg did not name the error at its last try.
    """
    read_errors.check_room(said)
    inputs = [
        Path(word.removeprefix(_FILE)).resolve()
        for option, word in pairwise(words)
        if option == "-i" and word.startswith(_FILE)
    ]
    about = digest.of_json([_SCRATCH_NAME.sub("", word) for word in (*words, *map(str, inputs))])
    if not inputs or not read_errors.is_named(said):
        read_errors.named_nothing(about)
        return
    for path in inputs:
        read_errors.check(path, stop=stop)
    if read_errors.had_passed(about):
        raise Unavailable(f"{inputs[0]} could not be read for a moment; vlogd tries again.")


def probe(path: Path, *entries: str, limits: Limits, stop: Stop | None = None) -> str:
    """What ffprobe prints about `path` as JSON; `entries` are its options (`-show_streams` …)."""
    return process.output(["ffprobe", *_probe_options(), "-of", "json", *entries, argument(path)],
                          limits=limits, stop=stop)  # fmt: skip


def probe_lines(
    path: Path, *entries: str, on_line: process.Line, limits: Limits, stop: Stop | None = None
) -> None:
    """Hand each line that ffprobe prints about `path` (as `entries` say) to `on_line`."""
    process.run(
        ["ffprobe", *_probe_options(), *entries, argument(path)], limits=limits, stop=stop, on_line=on_line
    )


def _probe_options() -> list[str]:
    safe = [word for name, value in _SAFE_INPUT.items() for word in (f"-{name}", value)]
    return ["-hide_banner", "-v", "error", *safe]


class _Progress:
    """Reads ffmpeg's `-progress` lines; only a changed time, frame or size is progress."""

    _TELLING = ("out_time_us", "frame", "total_size")

    def __init__(
        self, tell_seconds: Callable[[float], None] | None, tell_frames: Callable[[int], None] | None
    ) -> None:
        self._tell_seconds = tell_seconds
        self._tell_frames = tell_frames
        self._last: dict[str, str] = {}

    def moved(self, line: str) -> bool:
        key, _, value = line.partition("=")
        if key not in self._TELLING or self._last.get(key) == value:
            return False
        self._last[key] = value
        return True

    def hear(self, line: str) -> None:
        key, _, value = line.partition("=")
        if self._tell_seconds is not None and key == "out_time_us" and value.lstrip("-").isdigit():
            self._tell_seconds(int(value) / 1e6)
        if self._tell_frames is not None and key == "frame" and value.isdigit():
            self._tell_frames(int(value))
