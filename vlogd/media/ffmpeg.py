"""Every command of ffmpeg and ffprobe is built and run here; ffmpeg-python builds the arguments.

Dropped files are not trusted. They may only be read through the `file` and `pipe` protocols and
by one of the demuxers of `INPUT_FORMATS`: no playlist or concat script can make ffmpeg open
another file or address (ffmpeg-protocols(1), `protocol_whitelist`; ffmpeg-formats(1),
`format_whitelist`).

Graphs are ffmpeg-python streams (`Stream`), which carry no types; stages build them with
`source(...)`, their `.filter(...)` and `output(...)`, and pass them to `run`.
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
from vlogd.media.sandbox.access import Access

Stream = Any

INPUT_FORMATS = (
    "mov", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "asf", "ogg", "mxf", "gxf",
    "rm", "wtv", "dv", "nut", "ivf", "h264", "hevc", "av1", "m4v", "vc1", "y4m", "yuv4mpegpipe",
    "wav", "w64", "aiff", "mp3", "aac", "ac3", "eac3", "flac", "amr", "caf", "dts", "tta", "wv", "ape", "au",
)  # fmt: skip
"""Demuxers of files that hold video or audio themselves (`ffmpeg -demuxers`): no playlists, scripts or still images."""

FREQUENT_PROGRESS = ("-stats_period", "0.1")
"""Global options of a run whose first segments viewers wait for: progress every 0.1 s, by default every 0.5 s."""

MAX_PIXELS = 100 << 20
"""Of a frame: three times as many as 8K has (7680x4320). Decoding larger ones takes gigabytes."""

_PROTOCOLS = {"protocol_whitelist": "file,pipe"}
"""No network: a container may refer to other files and addresses (ffmpeg-protocols(1))."""
DECODER_THREADS = 4
"""By default one for each core, each with frames of its own: on a machine with many, an 8K decoder would take gigabytes.
Encoders, with one thread, are the slower ones."""

_SAFE_INPUT = {
    **_PROTOCOLS,
    "threads": str(DECODER_THREADS),
    "format_whitelist": ",".join(INPUT_FORMATS),  # see the module's docstring
    "max_pixels": str(MAX_PIXELS),  # a tiny file may claim huge frames (ffmpeg-codecs(1))
}
_FILE_PREFIX = "file:"
_HARDWARE = re.compile(r"\w+_(nvenc|qsv|vaapi)|-hwaccel|-init_hw_device")
"""Words of a command that uses a graphics card."""
_SCRATCH_NAME = re.compile("[0-9a-f]{32}")
"""The name of a part's scratch folder (a UUID): all that differs between two attempts of the same command."""

_GLOBAL_OPTIONS = (
    "-nostdin",  # never ask anybody anything (ffmpeg(1))
    "-hide_banner",  # standard error is kept for errors; the banner says how ffmpeg was built
    *("-v", "warning"),  # errors of disks that ffmpeg takes for an end of file are logged (read_errors)
    "-nostats",  # no status line among them either
    *("-progress", "pipe:1"),  # as key=value lines on standard output, for _Progress and the stall check
    "-y",  # overwrite; without it ffmpeg refuses an output that exists
)


def argument(path: Path) -> str:
    """`path` as an ffmpeg argument: never parsed as an option or a protocol, whatever its name."""
    return f"{_FILE_PREFIX}{path}"


def source(path: Path, **options: Any) -> Stream:
    """An untrusted input file. `options` are input options, without their dash."""
    return ffmpeg.input(argument(path), **{**_SAFE_INPUT, **options})


def raw_source(path: Path, **options: Any) -> Stream:
    """A file that vlogd wrote itself, of any format, playlists included. `options` as for `source`."""
    return ffmpeg.input(argument(path), **{**_PROTOCOLS, "threads": DECODER_THREADS, **options})


def generated(description: str) -> Stream:
    """Video or audio from a filter such as `color` or `sine` (ffmpeg-devices(1), `lavfi`)."""
    return ffmpeg.input(description, f="lavfi")


def output(streams: Sequence[Stream] | Stream, path: Path, **options: Any) -> Stream:
    """An output file fed by `streams`. `options` are output options, without their dash."""
    inputs = streams if isinstance(streams, list | tuple) else [streams]
    return ffmpeg.output(*inputs, argument(path), **options)


def command(outputs: Sequence[Stream], global_options: Sequence[str] = ()) -> list[str]:
    """The whole ffmpeg command of one graph with one or more outputs."""
    merged = outputs[0] if len(outputs) == 1 else ffmpeg.merge_outputs(*outputs)
    return ["ffmpeg", *_GLOBAL_OPTIONS, *global_options, *ffmpeg.get_args(merged)]


def run(
    outputs: Sequence[Stream],
    *,
    limits: Limits,
    stop: Stop | None = None,
    on_progress_seconds: Callable[[float], None] | None = None,
    on_frame_count: Callable[[int], None] | None = None,
    global_options: Sequence[str] = (),
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
) -> Sequence[str]:
    """Run one graph to its end; return the last lines of its standard error.

    It reads its inputs and writes into the folders of its outputs. `reads` and `writes` are what else it does: the files that a
    playlist names, those that a filter writes.

    `on_progress_seconds` is called with the output time and `on_frame_count` with the number of frames written so
    far, about twice a second and at the end.

    Raises ToolFailed, ToolStalled, ToolKilled, Stopping or Unavailable, as `process.run` does, and OSError when a disk
    is full or an input's disk fails, which ffmpeg takes for the end of the file.
    """
    progress = _Progress(on_progress_seconds, on_frame_count)
    arguments = command(outputs, global_options)
    try:
        stderr_tail = process.run(
            arguments,
            limits=limits,
            access=_access(arguments, reads, writes),
            stop=stop,
            on_line=progress.on_line,
            is_progress=progress.is_progress,
        )
    except (ToolFailed, ToolStalled) as error:
        _check_disks(arguments, error.stderr_tail, stop)
        raise
    _check_disks(arguments, stderr_tail, stop)
    return stderr_tail


def _check_disks(arguments: Sequence[str], stderr_tail: Sequence[str], stop: Stop | None) -> None:
    """Raise OSError when ffmpeg reports a full disk, or a read error and an input indeed cannot be read.

    Raises Unavailable when all inputs can be read by now, but the last attempt did not report the error.
    """
    read_errors.check_full_disk(stderr_tail)
    inputs = _inputs(arguments)
    command_digest = digest.of_json([_SCRATCH_NAME.sub("", text) for text in (*arguments, *map(str, inputs))])
    if not inputs or not read_errors.is_reported(stderr_tail):
        read_errors.forget(command_digest)
        return
    for path in inputs:
        read_errors.check(path, stop=stop)
    if read_errors.should_retry(command_digest):
        raise Unavailable(f"{inputs[0]} could not be read for a moment; vlogd tries again.")


def _access(arguments: Sequence[str], reads: Sequence[Path], writes: Sequence[Path]) -> Access:
    outputs = [
        Path(value.removeprefix(_FILE_PREFIX))
        for option, value in pairwise(arguments)
        if option != "-i" and value.startswith(_FILE_PREFIX)
    ]
    folders = [path if path.is_char_device() else path.parent for path in outputs]
    return Access(
        reads=(*_inputs(arguments), *reads),
        writes=tuple(dict.fromkeys((*folders, *writes))),
        devices=any(_HARDWARE.fullmatch(word) for word in arguments),
    )


def _inputs(arguments: Sequence[str]) -> list[Path]:
    """The input files, links resolved."""
    return [
        Path(value.removeprefix(_FILE_PREFIX)).resolve()
        for option, value in pairwise(arguments)
        if option == "-i" and value.startswith(_FILE_PREFIX)
    ]


def probe(path: Path, *entries: str, limits: Limits, stop: Stop | None = None) -> str:
    """What ffprobe prints about `path` as JSON; `entries` are its options (`-show_streams` …)."""
    return process.output(["ffprobe", *_probe_options(), "-of", "json", *entries, argument(path)],
                          limits=limits, access=Access(reads=(path.resolve(),)), stop=stop)  # fmt: skip


def probe_lines(
    path: Path, *entries: str, on_line: process.Line, limits: Limits, stop: Stop | None = None
) -> None:
    """Call `on_line` with each line that ffprobe prints about `path`; `entries` are its options."""
    arguments = ["ffprobe", *_probe_options(), *entries, argument(path)]
    process.run(arguments, limits=limits, access=Access(reads=(path.resolve(),)), stop=stop, on_line=on_line)


def _probe_options() -> list[str]:
    safe_input = [text for name, value in _SAFE_INPUT.items() for text in (f"-{name}", value)]
    # Errors only: the last line of standard error is quoted to the person who dropped the file.
    return ["-hide_banner", "-v", "error", *safe_input]


class _Progress:
    """Reads ffmpeg's `-progress` lines; only a changed time, frame or size is progress."""

    _PROGRESS_KEYS = ("out_time_us", "frame", "total_size")

    def __init__(
        self,
        on_progress_seconds: Callable[[float], None] | None,
        on_frame_count: Callable[[int], None] | None,
    ) -> None:
        self._on_progress_seconds = on_progress_seconds
        self._on_frame_count = on_frame_count
        self._last: dict[str, str] = {}

    def is_progress(self, line: str) -> bool:
        key, _, value = line.partition("=")
        if key not in self._PROGRESS_KEYS or self._last.get(key) == value:
            return False
        self._last[key] = value
        return True

    def on_line(self, line: str) -> None:
        key, _, value = line.partition("=")
        if self._on_progress_seconds is not None and key == "out_time_us" and value.lstrip("-").isdigit():
            self._on_progress_seconds(int(value) / 1e6)
        if self._on_frame_count is not None and key == "frame" and value.isdigit():
            self._on_frame_count(int(value))
