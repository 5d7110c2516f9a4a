"""Which encoder makes a codec on this machine, and its options.

Each encoder is tried before it is used, with a real encode of two frames, the second a forced key frame: hardware
drivers are often incomplete. A hardware encoder that fails its trial is replaced by software, with one log line.

Every software encoder runs with one thread: below a cap neither x264's frame threads nor its sliced threads give the
same bytes on every run, because what is left of the cap is shared out in the order in which they get there, and redoing
a part would not be harmless.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from vlogd.core.cancellation import Never, Stop
from vlogd.core.cancellation import check as check_stop
from vlogd.core.errors import ToolFailed, ToolStalled, Unavailable
from vlogd.core.log import get_logger
from vlogd.media import ffmpeg
from vlogd.media.process import Limits
from vlogd.media.streaming import codecs, fragment_reader
from vlogd.media.streaming.tracks import TICKS

Codec = Literal["h264", "hevc", "av1"]
Family = Literal["auto", "software", "nvenc", "vaapi", "qsv"]

SOFTWARE = "software"
_HARDWARE = ("nvenc", "qsv", "vaapi")
"""In the order in which `auto` tries them: discrete GPUs first, the most general way last."""

_SOFTWARE: Mapping[str, tuple[str, ...]] = {
    "h264": ("libx264",),
    "hevc": ("libx265",),
    "av1": ("libsvtav1", "libaom-av1"),
}
"""In order of preference. SVT-AV1 before 1.5 ignores forced key frames: it fails the trial, and libaom is used."""

_SVT_MIN_FRAME_RATE, _SVT_MAX_FRAME_RATE = Fraction(1), Fraction(240)
"""In frames a second, as SVT-AV1 accepts them (svt_av1_enc_set_parameter)."""

_SHORTEST_SIDE = {"libsvtav1": 64}
"""Smaller frames are refused: by SVT-AV1 since 2.0. libaom takes them."""

_TRIAL_WIDTH, _TRIAL_HEIGHT = 256, 144
"""A size that every encoder accepts: hardware encoders have lower bounds, too."""

_RENDER_NODE = "/dev/dri/renderD128"
"""The first GPU's (Documentation/gpu/drm-uapi of the kernel)."""
_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
"""x264's and x265's, the fastest first."""
_CRF_ABOVE_X264 = {"h264": 0, "hevc": 4, "av1": 12}
"""About the same quality as x264 at its own CRF; each encoder has a scale of its own."""

_log = get_logger()


@dataclass(frozen=True)
class Encoder:
    """An encoder of ffmpeg's, and the family it belongs to."""

    name: str
    codec: Codec
    family: str

    @property
    def hardware(self) -> bool:
        """Whether its bytes depend on the machine."""
        return self.family != SOFTWARE

    @property
    def global_options(self) -> tuple[str, ...]:
        """What stands before all inputs."""
        if self.family == "vaapi":
            return ("-init_hw_device", f"vaapi=va:{_RENDER_NODE}", "-filter_hw_device", "va")
        return ()

    @property
    def movflags(self) -> str:
        """What its fragmented MP4 needs beside the usual flags of the mp4 muxer.

        libaom gives its sequence header with the first frame only (ffmpeg 5.1 and 7.1): a `moov` that is written
        before has an empty av1C, and players don't know how to decode the track.
        """
        return "+delay_moov" if self.name == "libaom-av1" else ""

    def prepared(self, stream: ffmpeg.Stream, *, ten_bit: bool = False) -> ffmpeg.Stream:
        """`stream` in the pixel format, and the memory, that the encoder reads."""
        if self.family == SOFTWARE:
            return stream.filter("format", "yuv420p10le" if ten_bit else "yuv420p")
        stream = stream.filter("format", "p010le" if ten_bit else "nv12")
        return stream.filter("hwupload") if self.family == "vaapi" else stream

    def options(self, crf: int, max_kbps: int, preset: str, frame_rate: Fraction) -> dict[str, Any]:
        """Output options: constant quality below a cap, key frames only where they are forced.

        `crf` and `preset` are on x264's scales, `frame_rate` is in frames a second, on average.
        """
        quality = min(_WORST_CRF, crf + _CRF_ABOVE_X264[self.codec])
        # g: no key frame by count. maxrate and bufsize: the cap, over two seconds (Apple 1.27 bounds peaks).
        capped = {"maxrate": f"{max_kbps}k", "bufsize": f"{2 * max_kbps}k", "g": _NO_KEY_FRAMES}
        if self.family != SOFTWARE:
            return {"c:v": self.name, **_hardware(self, quality, max_kbps), **capped}
        speed = _PRESETS.index(preset)
        match self.name:
            case "libx264":
                return {"c:v": self.name, "preset": preset, "crf": quality, **capped, **_X264}
            case "libx265":
                return {"c:v": self.name, "preset": preset, "crf": quality, **capped, **_X265}
            case "libsvtav1":
                # It has no bufsize with a CRF. Below preset 4 it is slower than anybody waits for.
                return {"c:v": self.name, "preset": max(4, 12 - speed), "crf": quality, "g": _NO_KEY_FRAMES,
                        "maxrate": f"{max_kbps}k", "svtav1-params": _svtav1_params(frame_rate)}  # fmt: skip
        # b:v is the cap of libaom's constrained quality. Below cpu-used 4 it is slower than anybody waits for.
        return {"c:v": self.name, "cpu-used": max(4, 8 - speed // 2), "crf": quality, "b:v": f"{max_kbps}k",
                "g": _NO_KEY_FRAMES, **_LIBAOM}  # fmt: skip


_WORST_CRF = 51
"""The end of x264's and x265's scale."""
_NO_KEY_FRAMES = 100_000
"""A distance of key frames that no chunk reaches: an hour at 25 frames a second."""

_X264: Mapping[str, Any] = {
    "profile:v": "high",  # what every device decodes (Apple 1.2 asks for High or less)
    "threads": 1,  # see the module's docstring
    "keyint_min": _NO_KEY_FRAMES,  # no key frame but the forced ones; x264 lowers it to half of g
    "sc_threshold": 0,  # none at cuts either
    "forced-idr": 1,  # a forced key frame is an IDR picture: segments decode by themselves
    # By default x264 rounds otherwise with AVX-512 than with AVX2, and with neither (docs/decisions/0031).
    "x264-params": "cpu-independent=1",
}
_X265: Mapping[str, Any] = {
    "tag:v": "hvc1",  # parameter sets are in the init segment only (Apple 1.10)
    "forced-idr": 1,  # as for x264
    # One thread (pools, frame-threads); key frames only where they are forced (keyint, scenecut), each an IDR picture
    # (open-gop); no text about the encoder in the stream (info), and nothing but errors on standard error.
    "x265-params": "log-level=error:pools=none:frame-threads=1:keyint=-1:scenecut=0:open-gop=0:info=0",
}
_LIBAOM: Mapping[str, Any] = {
    "usage": "realtime",  # no lookahead: the slower ways take minutes for a second of film
    "threads": 1,  # see the module's docstring
    "row-mt": 0,  # likewise
    "keyint_min": 0,  # forced key frames may lie as near as they like
}


def _svtav1_params(frame_rate: Fraction) -> str:
    """SVT-AV1's own options: one thread, key frames where they are forced, and a frame rate that it takes.

    A container's guess may be a thousand frames a second; SVT-AV1 refuses more than 240. Since 2.0 it always
    obeys forced key frames, and ffmpeg warns of the option that it no longer has.
    """
    rate = min(max(frame_rate, _SVT_MIN_FRAME_RATE), _SVT_MAX_FRAME_RATE).limit_denominator(1001)
    return f"lp=1:force-key-frames=1:fps-num={rate.numerator}:fps-denom={rate.denominator}"


def _hardware(encoder: Encoder, quality: int, max_kbps: int) -> dict[str, Any]:
    """Each family's way to constant quality, and to forced key frames that are IDR pictures."""
    tag = {"tag:v": "hvc1"} if encoder.codec == "hevc" else {}
    match encoder.family:
        case "nvenc":
            # vbr with cq and without a bit rate is its constant quality. no-scenecut: no key frames at cuts. Two
            # B-frames, as every generation has for H.264 and HEVC; its AV1 refuses to reorder so.
            return {"preset": "p5", "rc": "vbr", "cq": quality, "b:v": 0, "forced-idr": 1, "no-scenecut": 1,
                    "bf": 0 if encoder.codec == "av1" else 2, **tag}  # fmt: skip
        case "qsv":
            # look_ahead is another rate control, which would replace global_quality.
            return {"preset": "medium", "global_quality": quality, "forced_idr": 1, "look_ahead": 0, **tag}
    # VAAPI: quality-defined VBR, which wants the cap as its bit rate. Its forced key frames are always IDR pictures.
    return {"rc_mode": "QVBR", "global_quality": quality, "b:v": f"{max_kbps}k", **tag}


def pick(
    family: Family,
    codec: Codec,
    limits: Limits,
    shorter_side: int = _TRIAL_HEIGHT,
    stop: Stop | None = None,
) -> Encoder:
    """The encoder to use for frames whose shorter side is `shorter_side` pixels long.

    Raises Unavailable when this machine has none for the codec, Stopping when `stop` is set during a trial.
    """
    for hardware in _HARDWARE if family == "auto" else (family,):
        if hardware == SOFTWARE:
            break
        encoder = Encoder(f"{codec}_{hardware}", codec, hardware)
        if works(encoder, limits, stop):
            return encoder
        if family != "auto":
            _warn_once(encoder)
    for name in _SOFTWARE[codec]:
        encoder = Encoder(name, codec, SOFTWARE)
        if shorter_side >= _SHORTEST_SIDE.get(name, 0) and works(encoder, limits, stop):
            return encoder
    _trial_results.clear()  # an encoder may have been installed by the next attempt
    raise Unavailable(f"This machine's ffmpeg cannot encode {codec}; `vlogd doctor` says what to do.")


@lru_cache
def _warn_once(encoder: Encoder) -> None:
    _log.warning("encoder.missing", encoder=encoder.name, why="its trial failed; software encodes instead")


_trial_results: dict[tuple[Encoder, Limits], bool] = {}


def works(encoder: Encoder, limits: Limits, stop: Stop | None = None) -> bool:
    """Whether the encoder passes its trial, which runs once. Raises Stopping, and remembers nothing, when it is stopped."""
    key = (encoder, limits)
    if key not in _trial_results:
        _trial_results[key] = _passes_trial(encoder, limits, stop)
    return _trial_results[key]


def _passes_trial(encoder: Encoder, limits: Limits, stop: Stop | None) -> bool:
    """Encode two frames, each forced to be a key frame, and check for both and for a header that names the codec."""
    with tempfile.TemporaryDirectory(prefix="vlogd-trial-") as folder:
        target = Path(folder) / "trial.mp4"
        frames = ffmpeg.generated(f"color=gray:size={_TRIAL_WIDTH}x{_TRIAL_HEIGHT}:rate=2:duration=1")
        options = {**encoder.options(30, 1000, "veryfast", Fraction(2)), "force_key_frames": "0,0.49995",
                   # passthrough: at this time base a constant frame rate would mean 45,000 copies of each frame
                   "enc_time_base": f"1:{TICKS}", "fps_mode": "passthrough",
                   "movflags": f"+frag_keyframe+empty_moov{encoder.movflags}", "f": "mp4"}  # fmt: skip
        try:
            ffmpeg.run([ffmpeg.output(encoder.prepared(frames), target, **options)], limits=limits, stop=stop,
                       global_options=encoder.global_options)  # fmt: skip
        except (ToolFailed, ToolStalled):
            check_stop(stop or Never())  # a shutdown sends SIGTERM to ffmpeg as well, which then fails
            return False
        with target.open("rb") as file:
            init = fragment_reader.init_bytes(file)
            gops = list(fragment_reader.fragments(file, len(init)))
        # Some drivers report success although they failed, so the result is checked.
        return bool(codecs.codec(init)) and len(gops) == 2  # noqa: PLR2004 - one fragment for each key frame
