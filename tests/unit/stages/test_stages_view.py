"""What viewers may see of a stream while it grows and when it is finished. No file of media is needed for that."""

from pathlib import Path
from typing import Any

import m3u8
import pytest
from media_values import media, steady, write_probe
from stage_driver import item_of

from vlogd.core.model import FileMark, Receipt, View
from vlogd.media.streaming import codecs
from vlogd.stages.contract import Work
from vlogd.stages.hls import STAGE
from vlogd.stages.hls.ladder import HlsSettings, Rung

CONFIG = HlsSettings(ladder=(Rung(height=1080, max_kbps=5000), Rung(height=360, max_kbps=800)), segment_seconds=2,
                     gop_seconds=1, chunk_seconds=2)  # fmt: skip
KEYS = [(time, 10_000) for time in range(0, 10_000, 1000)]
SEGMENTS = 5


@pytest.fixture(autouse=True)
def known_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    """The init segments of these tests are empty: a fake says what a real one would."""
    monkeypatch.setattr(codecs, "codec", lambda _init: "avc1.640028")


class Step:
    """A step of ten seconds: five segments in two renditions and one audio track."""

    def __init__(self, home: Path, keys: list[tuple[int, int]] | None = None, **scan: Any) -> None:
        self.probe = write_probe(home / "probe", media(), steady(10), keys or (), **scan)
        self.folder = home / "hls-0123456789ab"
        self.receipts: dict[str, Receipt] = {}
        for name in ("v1080", "v360", "v1080-copy"):
            (self.folder / name).mkdir(parents=True)
            (self.folder / name / "init.mp4").touch()

    def have(self, folder: str, *numbers: int) -> set[str]:
        """The files of some segments of a track."""
        return {f"{folder}/init.mp4", *(f"{folder}/{number:05d}.m4s" for number in numbers)}

    def done(self, part: str, files: set[str], **facts: Any) -> None:
        """A part has its receipt; each file has 100 kB."""
        self.receipts[part] = Receipt(part, {name: FileMark(100_000, "") for name in files}, facts)

    def chunk(self, number: int, **facts: Any) -> None:
        """A chunk of one segment is done, in both renditions."""
        files = self.have("v1080", number) | self.have("v360", number)
        spans = {"v1080": [[24, 100]], "v360": [[24, 50]]}
        self.done(f"video-{number:04d}", files, iframes=spans, **facts)

    def view(self, *, complete: bool = False) -> View:
        """The view with the files of the receipts."""
        have = {name for receipt in self.receipts.values() for name in receipt.files}
        work = Work(
            item_of(Path("a.mp4")), self.folder, {"probe": self.probe}, CONFIG, self.receipts, complete
        )
        return STAGE.view(work, have)


def listed(view: View, playlist: str) -> list[str]:
    """The segments of a media playlist."""
    return [segment.uri for segment in m3u8.loads(view.files[playlist].decode()).segments]


def test_nothing_is_published_before_a_first_segment_is_complete_in_every_track(tmp_path: Path) -> None:
    """Video without its audio does not count."""
    step = Step(tmp_path)
    step.chunk(0)
    assert step.view() == View(facts={"playable": False})


def test_no_track_runs_ahead_of_another(tmp_path: Path) -> None:
    """The playlists list what all of them have, and say that there is more to come."""
    step = Step(tmp_path)
    step.chunk(0)
    step.chunk(1)
    step.chunk(3)
    step.done("audio-0", step.have("a0", 0, 1, 2))
    view = step.view()
    assert view.facts["playable"] is True
    for track in ("v1080", "v360", "a0"):
        assert listed(view, f"{track}/index.m3u8") == ["00000.m4s", "00001.m4s"]
        assert b"EXT-X-ENDLIST" not in view.files[f"{track}/index.m3u8"]
    master = view.names["master.m3u8"]
    assert isinstance(master, bytes)
    assert b"hls-0123456789ab/v1080/index.m3u8" in master


def test_the_finished_view_has_everything(tmp_path: Path) -> None:
    """Complete playlists, I-frame playlists, what later stages read."""
    step = Step(tmp_path)
    for number in range(SEGMENTS):
        step.chunk(number)
    step.done("audio-0", step.have("a0", *range(SEGMENTS)))
    view = step.view(complete=True)
    assert b"EXT-X-ENDLIST" in view.files["v360/index.m3u8"]
    assert {"v1080/iframes.m3u8", "v360/iframes.m3u8", "stream.json", "master.m3u8"} <= set(view.files)
    assert view.facts["duration_seconds"] == 10
    assert view.facts["notes"] == []
    assert [rendition["name"] for rendition in view.facts["renditions"]] == ["v1080", "v360"]


def test_copied_frames_come_first_and_alone(tmp_path: Path) -> None:
    """They and the audio are there long before the other renditions."""
    step = Step(tmp_path, KEYS)
    step.done(
        "copy",
        step.have("v1080-copy", *range(SEGMENTS)),
        copied=True,
        iframes={"v1080-copy": [[1, 2]] * SEGMENTS},
    )
    step.done("audio-0", step.have("a0", *range(SEGMENTS)))
    view = step.view()
    assert {name.split("/")[0] for name in view.files} == {"v1080-copy", "a0", "master.m3u8"}
    assert b"EXT-X-ENDLIST" in view.files["v1080-copy/index.m3u8"]


@pytest.mark.parametrize(("empty", "note"), [
    ([], "The file is damaged: some of its frames could not be decoded."),
    ([2], "The file is damaged: about 2 s of video could not be decoded in places."),
])  # fmt: skip
def test_damage_becomes_a_note(empty: list[int], note: str, tmp_path: Path) -> None:
    """A segment in which nothing decodes is a gap, which no track waits for."""
    step = Step(tmp_path)
    for number in range(SEGMENTS):
        step.chunk(number, **({"empty": empty} if number == 2 else {}))
    step.done("audio-0", step.have("a0", *range(SEGMENTS)))
    view = step.view(complete=True)
    assert view.facts["notes"] == [note]
    assert (b"EXT-X-GAP" in view.files["v360/index.m3u8"]) == bool(empty)


def test_a_damaged_end_is_left_out(tmp_path: Path) -> None:
    """Nothing is listed where the video ends in segments without frames."""
    step = Step(tmp_path)
    for number in range(3):
        step.chunk(number)
    step.done("video-0003", set(), iframes={}, empty=[3])
    step.done("video-0004", set(), iframes={}, empty=[4])
    step.done("audio-0", step.have("a0", *range(SEGMENTS)))
    view = step.view(complete=True)
    assert len(listed(view, "a0/index.m3u8")) == 3
    assert view.facts["notes"] == ["The file is damaged: about 4 s of video could not be decoded at its end."]


def test_a_held_picture_is_told(tmp_path: Path) -> None:
    """Where it stands for more than a segment's length."""
    step = Step(tmp_path, sound_seconds=14.0)
    step.chunk(0)
    step.done("audio-0-long", step.have("a0", 0))
    assert step.view().facts["notes"] == [
        "The video ends 4 s before the audio; its last frame is shown until then."
    ]
    assert step.view().facts["duration_seconds"] == 14.0
