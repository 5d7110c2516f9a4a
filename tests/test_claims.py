"""What can happen to a file between its inbox and its item: nothing of it is lost, taken twice or half taken."""

import errno
import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from clips import stamped
from taking import intake_into, seen

from vlogd.core import files
from vlogd.core.descriptors import Folder
from vlogd.core.errors import ToolKilled, ToolStalled, Unavailable
from vlogd.core.model import File
from vlogd.ingest import quarantine
from vlogd.ingest.claims import Claim
from vlogd.ingest.ignored_names import FAILED
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Accepted, Changed, Failed, NotTaken
from vlogd.media import ffprobe
from vlogd.media.process import Limits
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes


def test_a_note_never_replaces_a_file(inbox: Inbox, intake: Intake) -> None:
    """`a.mp4.txt` was put aside before `a.mp4`: its place is not taken by the note of the other."""
    for name in ("a.mp4.txt", "a.mp4"):
        path = inbox.folder / name
        path.write_text(f"this is {name}")
        assert isinstance(intake.take(path, inbox, seen(path)), Failed)
    kept = {p.name: p.read_text() for p in (inbox.folder / FAILED).iterdir()}
    assert kept["a.mp4.txt"] == "this is a.mp4.txt"
    assert "this is a.mp4" in kept.values()
    assert len(kept) == 4


def test_a_clock_that_is_ahead_does_not_bring_it_back(inbox: Inbox, intake: Intake) -> None:
    """A file that is no video and comes from the future stays in `_failed`; one that grew there is taken back."""
    path = inbox.folder / "letter.mp4"
    path.write_text("dear")
    ahead = time.time() + 7200
    os.utime(path, (ahead, ahead))
    outcome = intake.take(path, inbox, seen(path))
    assert isinstance(outcome, Failed)
    quarantine.take_back(inbox.folder)
    assert outcome.moved_to.exists()
    os.utime(outcome.moved_to, (ahead + 10, ahead + 10))
    quarantine.take_back(inbox.folder)
    assert path.exists()


def test_a_linked_failed_folder_is_not_used(inbox: Inbox, intake: Intake, tmp_path: Path) -> None:
    """Nothing is put behind a link, and nothing is deleted there; the file lies safe with the reason."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.txt").write_text("mine")
    (inbox.folder / FAILED).symlink_to(elsewhere)
    path = inbox.folder / "letter.mp4"
    path.write_text("dear")
    outcome = intake.take(path, inbox, seen(path))
    assert isinstance(outcome, NotTaken)
    assert "it is a link" in outcome.sentence
    assert outcome.path.read_text() == "dear"
    assert quarantine.keys([inbox.folder]) == []
    assert [p.name for p in elsewhere.iterdir()] == ["mine.txt"]


def test_what_fails_after_the_claim_is_gone_on_with(
    inbox: Inbox, intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed tools, a full disk: it is left with its place and the reason, and the next listing takes it up."""
    path = stamped(inbox.folder / "film.mp4", seconds=1)

    def fails(*_: object) -> None:
        raise ToolKilled("ffprobe was killed by SIGKILL: it said nothing")

    monkeypatch.setattr(ffprobe, "describe", fails)
    outcome = intake.take(path, inbox, seen(path))
    assert isinstance(outcome, NotTaken)
    assert str(path) in outcome.sentence
    assert "SIGKILL" in outcome.sentence
    assert outcome.path.exists()
    assert [type(one) for one in intake.resume({"main": inbox})] == [NotTaken]
    monkeypatch.undo()
    (taken,) = intake.resume({"main": inbox})
    assert isinstance(taken, Accepted)
    assert not list((tmp_path / "originals/.incoming").iterdir())


def test_a_file_over_which_ffprobe_stands_still(
    inbox: Inbox, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once or twice it may be the disk; then it is put aside, so that it holds up nobody for ever."""
    path = stamped(inbox.folder / "film.mp4", seconds=1)

    def stalls(*_: object) -> None:
        raise ToolStalled("ffprobe made no progress for 300 s and was ended.")

    monkeypatch.setattr(ffprobe, "describe", stalls)
    assert isinstance(intake.take(path, inbox, seen(path)), NotTaken)
    assert [type(one) for one in intake.resume({"main": inbox})] == [NotTaken]
    (last,) = intake.resume({"main": inbox})
    assert isinstance(last, Failed)
    assert "stalls" in (inbox.folder / "_failed/film.mp4.txt").read_text()
    assert list(intake.resume({"main": inbox})) == []


def test_a_damaged_claim_keeps_its_file(inbox: Inbox, intake: Intake, tmp_path: Path) -> None:
    """Without its note a claimed file is taken up all the same, and what is no video reaches `_failed`."""
    for name, number in (("film.mp4", 1), ("letter.mp4", 2)):
        folder = tmp_path / f"originals/.incoming/{number}"
        folder.mkdir(parents=True)
        (folder / ".vlogd-claim.json").write_text("{")
        (folder / name).write_text("dear")
    stamped(tmp_path / "originals/.incoming/1/film.mp4", seconds=1)
    assert [type(one) for one in intake.resume({"main": inbox})] == [Accepted, Failed]
    assert (inbox.folder / "_failed/letter.mp4").read_text() == "dear"


def test_the_last_moment_before_the_claim(
    inbox: Inbox, intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened again, or replaced by a link, between the last look and the rename: it is back in the inbox."""
    path = stamped(inbox.folder / "film.mp4", seconds=1)
    data, before = path.read_bytes(), seen(path)
    real = files.write_whole
    opened = []

    def opens(target: Path, data: bytes) -> None:
        real(target, data)
        if target.parent.parent.name == ".incoming":
            opened.append(path.open("ab"))

    monkeypatch.setattr(files, "write_whole", opens)
    assert intake.take(path, inbox, before) == Changed(path)
    for file in opened:
        file.write(b"more")
        file.close()
    assert path.read_bytes() == data + b"more"

    def links(target: Path, data: bytes) -> None:
        real(target, data)
        if target.parent.parent.name == ".incoming":
            path.rename(tmp_path / "other.mp4")
            path.symlink_to(tmp_path / "other.mp4")

    monkeypatch.setattr(files, "write_whole", links)
    assert intake.take(path, inbox, seen(path)) == Changed(path)
    assert path.is_symlink()
    assert Originals(tmp_path / "originals").scan().items == ()


def test_a_crash_while_a_lost_original_comes_back_under_another_name(
    inbox: Inbox, intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The item keeps its title and its place on the page (a fake: the end comes when its old folder is gone)."""
    film = stamped(inbox.folder / "film.mp4", seconds=1)
    first = intake.take(film, inbox, seen(film))
    assert isinstance(first, Accepted)
    originals = tmp_path / "originals"
    again = inbox.folder / "copy of film.mp4"
    (originals / first.item.original).rename(again)

    class End(BaseException):
        """No handler softens it."""

    def end(*_arguments: object) -> None:
        raise End

    with monkeypatch.context() as patches:
        patches.setattr(Claim, "move_to", end)
        with pytest.raises(End):
            intake.take(again, inbox, seen(again))
    (outcome,) = intake_into(originals, tmp_path).resume({inbox.name: inbox})
    assert isinstance(outcome, Accepted)
    assert outcome.item == replace(first.item, source=File(f"{first.item.id}/copy of film.mp4"))


def test_the_same_film_under_another_name_when_its_original_was_lost(
    inbox: Inbox, intake: Intake, tmp_path: Path
) -> None:
    """It is the same item again: its page, its address and its place in the list stay."""
    path = stamped(inbox.folder / "one.mp4", seconds=1)
    data = path.read_bytes()
    first = intake.take(path, inbox, seen(path))
    assert isinstance(first, Accepted)
    (tmp_path / "originals" / first.item.original).unlink()
    other = inbox.folder / "two.mp4"
    other.write_bytes(data)
    again = intake.take(other, inbox, seen(other))
    assert isinstance(again, Accepted)
    assert again.item == replace(first.item, source=File(f"{first.item.id}/two.mp4"))
    assert (tmp_path / "originals" / again.item.original).read_bytes() == data


def test_a_copy_of_what_is_being_removed_waits(inbox: Inbox, tmp_path: Path) -> None:
    """`vlogd rm` was said, and the file dropped again before it was done: the new one is no duplicate."""
    leaving: set[str] = set()
    originals = Originals(tmp_path / "originals")
    volumes = Volumes(tmp_path, {"originals": originals.root}, 0)
    intake = Intake(originals, Limits(), threading.Event(), volumes, leaving.__contains__)
    path = stamped(inbox.folder / "one.mp4", seconds=1)
    data = path.read_bytes()
    first = intake.take(path, inbox, seen(path))
    assert isinstance(first, Accepted)
    leaving.add(first.item.id)
    path.write_bytes(data)
    waiting = intake.take(path, inbox, seen(path))
    assert isinstance(waiting, NotTaken)
    originals.remove(first.item, 0)
    originals.purge(first.item)
    leaving.clear()
    (again,) = intake.resume({"main": inbox})
    assert isinstance(again, Accepted)
    assert (originals.root / again.item.original).read_bytes() == data


def test_an_inbox_from_which_nothing_can_be_removed(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another file system a copy is made: it goes again when the dropped file cannot be removed after all."""
    originals = Path("/dev/shm") / f"vlogd-claims-{os.getpid()}"  # noqa: S108 - another file system is the point
    if not originals.parent.is_dir() or originals.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    intake = intake_into(originals, tmp_path)
    path = stamped(inbox.folder / "film.mp4", seconds=1)
    real = Folder.unlink

    def read_only(folder: Folder, name: str) -> None:
        if folder.own_status().st_ino == inbox.folder.stat().st_ino:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        real(folder, name)

    monkeypatch.setattr(Folder, "unlink", read_only)
    try:
        with pytest.raises(Unavailable, match="Read-only"):
            intake.take(path, inbox, seen(path))
        assert list((originals / ".incoming").iterdir()) == []
        assert path.exists()
    finally:
        shutil.rmtree(originals)
