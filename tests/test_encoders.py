"""Encoders are tried for real before they are used; what cannot be tried here is held to its argument list."""

import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from vlogd.core.errors import Stopping, ToolFailed, Unavailable
from vlogd.media import encoders, ffmpeg
from vlogd.media.encoders import Encoder
from vlogd.media.process import Limits

LIMITS = Limits()


def words(encoder: Encoder) -> list[str]:
    """The whole command for one picture."""
    stream = encoder.prepared(ffmpeg.generated("color"))
    output = ffmpeg.output(stream, Path("out.mp4"), **encoder.options(23, 5000, "veryfast", Fraction(25)))
    return ffmpeg.command([output], encoder.global_options)


def has(command: list[str], *wanted: str) -> bool:
    """Whether these words stand in a row."""
    return any(command[at : at + len(wanted)] == list(wanted) for at in range(len(command)))


LISTS: dict[tuple[str, str], list[tuple[str, ...]]] = {
    ("h264", "nvenc"): [("-c:v", "h264_nvenc"), ("-rc", "vbr"), ("-cq", "23"), ("-forced-idr", "1"), ("-no-scenecut", "1")],
    ("hevc", "nvenc"): [("-c:v", "hevc_nvenc"), ("-tag:v", "hvc1"), ("-forced-idr", "1")],
    ("av1", "nvenc"): [("-c:v", "av1_nvenc"), ("-bf", "0")],
    ("h264", "qsv"): [("-c:v", "h264_qsv"), ("-global_quality", "23"), ("-forced_idr", "1")],
    ("hevc", "qsv"): [("-c:v", "hevc_qsv"), ("-tag:v", "hvc1")],
    ("h264", "vaapi"): [("-c:v", "h264_vaapi"), ("-rc_mode", "QVBR"), ("-filter_hw_device", "va")],
    ("hevc", "vaapi"): [("-c:v", "hevc_vaapi"), ("-tag:v", "hvc1")],
}  # fmt: skip


@pytest.mark.parametrize(("codec", "family"), LISTS)
def test_hardware_encoders_are_told_what_software_is_told(codec: Any, family: str) -> None:
    """Quality below a cap, key frames only where they are forced, HEVC as hvc1."""
    command = words(Encoder(f"{codec}_{family}", codec, family))
    for wanted in [*LISTS[codec, family], ("-maxrate", "5000k"), ("-g", "100000")]:
        assert has(command, *wanted), (wanted, command)
    filters = command[command.index("-filter_complex") + 1]
    assert ("hwupload" in filters) == (family == "vaapi")


def test_software_encoders_pass_their_trial() -> None:
    """H.264, HEVC and AV1 can be made here, with forced key frames, by one thread each."""
    for codec in ("h264", "hevc", "av1"):
        encoder = encoders.pick("software", codec, LIMITS)  # type: ignore[arg-type]
        assert not encoder.hardware
    assert encoders.pick("software", "h264", LIMITS).options(23, 800, "fast", Fraction(25))["threads"] == 1


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_a_trial_encodes_two_frames(codec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not each of them 45,000 times, to fill a constant frame rate at the trial's time base."""
    encoder = encoders.pick("software", codec, LIMITS)
    frame_counts: list[int] = []
    monkeypatch.setattr(encoders, "_trial_results", {})
    monkeypatch.setattr(ffmpeg, "run", partial(ffmpeg.run, on_frame_count=frame_counts.append))
    assert encoders.works(encoder, LIMITS)
    assert frame_counts[-1] == 2


@pytest.mark.parametrize("family", ["auto", "software"])
def test_a_stopped_trial_is_no_result(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder is tried again by the next attempt, and is not taken for missing."""
    results: dict[tuple[Encoder, Limits], bool] = {}
    monkeypatch.setattr(encoders, "_trial_results", results)
    stop = threading.Event()
    stop.set()
    structlog.reset_defaults()
    with capture_logs() as logs, pytest.raises(Stopping):
        encoders.pick(family, "h264", LIMITS, stop=stop)
    assert (results, logs) == ({}, [])
    stop.clear()
    assert encoders.works(Encoder("libx264", "h264", "software"), LIMITS, stop)
    assert list(results.values()) == [True]


def test_an_ffmpeg_that_fails_while_vlogd_stops_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's shutdown sends SIGTERM to ffmpeg as well, which may fail before vlogd kills it. The failure is a fake."""
    results: dict[tuple[Encoder, Limits], bool] = {}
    stop = threading.Event()

    def run(*_args: Any, **_options: Any) -> None:
        stop.set()
        raise ToolFailed("ffmpeg failed (exit status 255): Exiting normally, received signal 15.")

    monkeypatch.setattr(encoders, "_trial_results", results)
    monkeypatch.setattr(ffmpeg, "run", run)
    with pytest.raises(Stopping):
        encoders.works(Encoder("libx264", "h264", "software"), LIMITS, stop)
    assert results == {}


def test_small_frames_go_to_an_encoder_that_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """SVT-AV1 refuses sides below 64 pixels."""
    monkeypatch.setattr(encoders, "works", lambda _encoder, _limits, _stop: True)
    assert encoders.pick("software", "av1", LIMITS, 64).name == "libsvtav1"
    assert encoders.pick("software", "av1", LIMITS, 62).name == "libaom-av1"


@pytest.mark.parametrize(("rate", "told"), [(Fraction(30000, 1001), "fps-num=30000:fps-denom=1001"),
                                            (Fraction(1000), "fps-num=240:fps-denom=1"),
                                            (Fraction(1, 10), "fps-num=1:fps-denom=1")])  # fmt: skip
def test_svt_av1_is_given_a_frame_rate_that_it_takes(rate: Fraction, told: str) -> None:
    """A container may guess a thousand frames a second."""
    options = Encoder("libsvtav1", "av1", "software").options(23, 800, "fast", rate)
    assert options["svtav1-params"].endswith(told)


def test_what_fails_its_trial_is_replaced_by_software_with_one_line() -> None:
    """A family that this machine lacks costs one line in the log, however many chunks there are."""
    absent = [
        one
        for one in ("nvenc", "qsv", "vaapi")
        if not encoders.works(Encoder(f"h264_{one}", "h264", one), LIMITS)
    ]
    if not absent:
        pytest.skip("this machine has every kind of hardware encoder")
    encoders._warn_once.cache_clear()
    structlog.reset_defaults()
    with capture_logs() as logs:
        for _ in range(3):
            assert encoders.pick(absent[0], "h264", LIMITS).name == "libx264"  # type: ignore[arg-type]
    assert [line["event"] for line in logs] == ["encoder.missing"]
    if len(absent) == 3:
        assert encoders.pick("auto", "h264", LIMITS).name == "libx264"


def test_without_any_encoder_the_video_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ffmpeg without the encoder is something outside the file: wait, and look again."""
    monkeypatch.setattr(encoders, "_SOFTWARE", {"h264": ("nothing_at_all",)})
    with pytest.raises(Unavailable, match="cannot encode h264"):
        encoders.pick("software", "h264", LIMITS)


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_an_encoder_gives_the_same_bytes_again(codec: str, tmp_path: Path) -> None:
    """However busy the machine is, and where the cap decides about every picture too."""
    encoder = encoders.pick("software", codec, LIMITS)
    options = {
        **encoder.options(23, 200, "ultrafast", Fraction(25)),
        "fflags": "+bitexact",
        "flags:v": "+bitexact",
    }

    def made(number: int) -> bytes:
        pictures = ffmpeg.generated("testsrc2=s=320x180:r=25:d=3,noise=alls=90:allf=t:all_seed=1")
        target = tmp_path / f"{number}.mp4"
        ffmpeg.run([ffmpeg.output(encoder.prepared(pictures), target, **options)], limits=LIMITS)
        return target.read_bytes()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(made, range(6)))) == 1
