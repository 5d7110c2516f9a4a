"""The probe stage takes ffprobe's description from when the file was accepted, if it fits the file."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from clips import stamped
from stage_driver import LIMITS, item_of

from vlogd.core.errors import BadInput
from vlogd.core.settings import NoSettings
from vlogd.media import description, ffprobe
from vlogd.media.ffprobe import Media
from vlogd.stages.probe import STAGE
from vlogd.stages.workspace import Workspace


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of video with sound."""
    return stamped(tmp_path_factory.mktemp("clip") / "a.mp4", seconds=1)


@pytest.fixture(scope="module")
def media(clip: Path) -> Media:
    """The description of it."""
    return ffprobe.describe(clip, LIMITS)


def probe(clip: Path, described: Path | None, folder: Path) -> bytes:
    """The content of `probe.json`."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    ws = Workspace(item_of(clip), clip, {}, NoSettings(), {}, folder / "probe", scratch, folder / "cache", LIMITS,
                   threading.Event(), described=described)  # fmt: skip
    STAGE.run(STAGE.parts(None)[0], ws)  # type: ignore[arg-type]  # probe's one part depends on nothing
    return (folder / "probe/probe.json").read_bytes()


def test_a_kept_description_is_taken_and_ffprobe_does_not_describe_again(
    clip: Path, media: Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The artifact is the same as the one made by asking ffprobe."""
    asked = probe(clip, None, tmp_path / "asked")
    description.write(tmp_path / "media.json", media)
    monkeypatch.setattr(ffprobe, "describe", lambda *_: pytest.fail("ffprobe described the file again"))
    assert probe(clip, tmp_path / "media.json", tmp_path / "kept") == asked


@pytest.mark.parametrize("kind", ["missing", "no JSON", "of another file", "of a newer format"])
def test_a_description_that_does_not_fit_is_not_believed(
    kind: str, clip: Path, media: Media, tmp_path: Path
) -> None:
    """Ffprobe is asked instead."""
    path = tmp_path / "media.json"
    wrong = replace(media, tags={"title": "another film"})
    if kind == "no JSON":
        path.write_text("{")
    elif kind == "of another file":
        description.write(path, replace(wrong, size_bytes=media.size_bytes + 1))
    elif kind == "of a newer format":
        description.write(path, wrong)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    assert json.loads(probe(clip, path, tmp_path / "kept"))["media"] == json.loads(
        json.dumps(media.to_json())
    )


@pytest.mark.parametrize(("kind", "is_refused"), [("mpegts", True), ("mov,mp4,m4a,3gp,3g2,mj2", False)])
def test_a_duration_that_counts_is_bounded(
    kind: str, is_refused: bool, clip: Path, media: Media, tmp_path: Path
) -> None:
    """Where room is kept by it, a claim of centuries is refused; where frames have times, these count."""
    description.write(tmp_path / "media.json", replace(media, format=kind, duration_seconds=1e10))
    if is_refused:
        with pytest.raises(BadInput, match="vlogd takes at most 100"):
            probe(clip, tmp_path / "media.json", tmp_path / "kept")
    else:
        assert probe(clip, tmp_path / "media.json", tmp_path / "kept")
