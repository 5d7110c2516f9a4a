"""Real words with real times out of real sound."""

import itertools
import json
import shutil
from pathlib import Path

import pytest
from clips import ffmpeg
from daemon import DATA, DEMO, MODEL
from stage_driver import run_stage

from vlogd.core.errors import Unavailable
from vlogd.core.settings import NoSettings
from vlogd.media.process import Limits
from vlogd.stages.captions import CaptionSettings, client, cues
from vlogd.stages.contract import Work
from vlogd.stages.pipeline import CAPTIONS, PROBE

SAID = json.loads((DATA / "demo.json").read_text())["sentences"]


def captioned(source: Path, tmp_path: Path, **settings: object) -> Work:
    """Probe and captions of `source` with the micro model."""
    probed = run_stage(PROBE, source, {}, NoSettings(), tmp_path)
    chosen = CaptionSettings(**{"model": str(MODEL), **settings})  # type: ignore[arg-type]
    return run_stage(CAPTIONS, source, {"probe": probed.folder}, chosen, tmp_path)


def words(work: Work) -> list[dict[str, float | str]]:
    """words.json's words."""
    found: list[dict[str, float | str]] = json.loads((work.folder / "words.json").read_text())["words"]
    return found


def check(work: Work, shift_seconds: float = 0.0) -> None:
    """Every sentence is there, word for word, and begins when it is spoken."""
    heard = words(work)
    assert " ".join(str(word["word"]) for word in heard) == " ".join(sentence["text"] for sentence in SAID)
    at = 0
    for sentence in SAID:
        assert abs(float(heard[at]["start"]) - sentence["start"] - shift_seconds) < 0.4
        at += len(sentence["text"].split())
        assert float(heard[at - 1]["end"]) < sentence["end"] + shift_seconds + 0.5


def test_the_spoken_words_with_their_times(tmp_path: Path) -> None:
    """The demo clip's words come out word for word, cues and word cues likewise."""
    work = captioned(DEMO, tmp_path)
    check(work)
    shown = (work.folder / "captions.vtt").read_text()
    assert shown.startswith("WEBVTT\n\n")
    assert all(sentence["text"] in shown for sentence in SAID)
    assert "<00:00:" in (work.folder / "words.vtt").read_text()
    assert "thank you and good night" in (work.folder / "words.txt").read_text()


def test_windows_and_repetition_give_the_same(tmp_path: Path) -> None:
    """Several short windows hear the same words; doing it again gives the same bytes."""
    first = captioned(DEMO, tmp_path / "one", window_seconds=8)
    assert sum(name.startswith("window") for name in first.receipts) >= 3
    check(first)
    second = captioned(DEMO, tmp_path / "two", window_seconds=8)
    assert {n: r.files for n, r in first.receipts.items()} == {n: r.files for n, r in second.receipts.items()}


def test_sound_that_starts_late_is_captioned_late(tmp_path: Path) -> None:
    """Times are those of the published stream, which begins with the picture."""
    ffmpeg(
        "-i",
        DEMO,
        "-itsoffset",
        "2",
        "-i",
        DEMO,
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-c",
        "copy",
        tmp_path / "late.mkv",
    )
    check(captioned(tmp_path / "late.mkv", tmp_path), 2.0)


@pytest.mark.parametrize("sound", [("-an",), ("-af", "volume=0")])
def test_without_speech_there_are_no_captions(sound: tuple[str, ...], tmp_path: Path) -> None:
    """No sound, or silence: a finished step without files."""
    ffmpeg("-i", DEMO, "-t", "4", "-c:v", "copy", *sound, tmp_path / "silent.mp4")
    work = captioned(tmp_path / "silent.mp4", tmp_path)
    assert not (work.folder / "captions.vtt").exists()
    assert CAPTIONS.view(work, set()).names == {}


def cached_as_tiny(cache: Path) -> None:
    """Put the micro model where the hub's client keeps the one called tiny (huggingface_hub, "Manage the cache")."""
    repository = cache / "hub/models--Systran--faster-whisper-tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text("0" * 40)
    shutil.copytree(MODEL, repository / "snapshots" / ("0" * 40))


def test_a_model_is_fetched_only_if_it_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is there needs no network; what can't be fetched is told, with what to do."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")  # nobody listens there
    with pytest.raises(Unavailable, match="fetch-model"):
        client.fetch_model("tiny", Limits())
    shutil.rmtree(tmp_path / "hub", ignore_errors=True)
    cached_as_tiny(tmp_path)
    assert (client.fetch_model("tiny", Limits()) / "model.bin").exists()


def test_a_missing_model_is_told(tmp_path: Path) -> None:
    """It is no failure of the video: wait, and say what to do."""
    with pytest.raises(Unavailable, match=r"set stages\.captions\.model"):
        captioned(DEMO, tmp_path, model=str(tmp_path / "nowhere"))


def test_cues_can_be_read() -> None:
    """Two lines of 42 characters, at most seven seconds, no overlap, markup escaped."""
    spoken = [cues.Word(f"word{n}" if n % 9 else "<b>&", n * 0.4, n * 0.4 + 0.3, 1.0) for n in range(100)]
    made = cues.cues(spoken)
    assert all(cue.end - cue.start <= 7.01 for cue in made)
    assert all(before.end <= after.start for before, after in itertools.pairwise(made))
    text = cues.vtt(made).decode()
    assert all(len(line) <= 60 for line in text.splitlines())
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;" in text
