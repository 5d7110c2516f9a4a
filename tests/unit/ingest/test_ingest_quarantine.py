"""`_failed`, whatever lies there already and wherever a crash comes."""

import errno
import os
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vlogd.core import contents
from vlogd.core.descriptors import Folder
from vlogd.core.errors import Unavailable
from vlogd.core.escape import escaped
from vlogd.ingest import quarantine


class End(BaseException):
    """No handler softens it."""


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """A claimed file that is no video, beside an inbox."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "claim").mkdir()
    path = tmp_path / "claim/letter.mp4"
    path.write_text("dear")
    return path


def kept(inbox: Path) -> dict[str, str]:
    """What lies in `_failed`."""
    return {path.name: path.read_text() for path in (inbox / "_failed").iterdir()}


class Disk:
    """A fake: it dies before change number `left` of a name, and the claim may lie on another one."""

    def __init__(self, left: int, *, is_other: bool) -> None:
        self._left = left
        self._is_other = is_other
        self._patches = pytest.MonkeyPatch()
        self._rename_new, self._unlink, self._own_status = Folder.rename_new, Folder.unlink, Folder.own_status

    def __enter__(self) -> None:
        disk = self

        def rename_new(folder: Folder, name: str, to: Folder, new_name: str) -> None:
            disk.count()
            if disk._is_other and folder.own_status().st_ino != to.own_status().st_ino:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            disk._rename_new(folder, name, to, new_name)

        def unlink(folder: Folder, name: str) -> None:
            if not name.startswith("."):
                disk.count()
            disk._unlink(folder, name)

        def own_status(folder: Folder) -> Any:
            status = disk._own_status(folder)
            return SimpleNamespace(
                st_dev=status.st_ino if disk._is_other else status.st_dev, st_ino=status.st_ino
            )

        self._patches.setattr(Folder, "rename_new", rename_new)
        self._patches.setattr(Folder, "own_status", own_status)
        self._patches.setattr(Folder, "unlink", unlink)

    def __exit__(self, *_error: object) -> None:
        self._patches.undo()

    def count(self) -> None:
        """One more change."""
        self._left -= 1
        if self._left < 0:
            raise End


@pytest.mark.parametrize(("is_other", "most_changes"), [(False, 2), (True, 4)])
def test_a_crash_leaves_the_file_once_and_its_note(
    is_other: bool, most_changes: int, letter: Path, tmp_path: Path
) -> None:
    """Before whichever change of a name it comes, the next attempt ends it."""
    for cut in range(most_changes):
        letter.write_text("dear")
        with pytest.raises(End), Disk(cut, is_other=is_other):
            quarantine.put(letter, tmp_path / "inbox", "why")
        with Disk(100, is_other=is_other):
            quarantine.put(letter, tmp_path / "inbox", "why")
        assert kept(tmp_path / "inbox") == {"letter.mp4": "dear", "letter.mp4.txt": "why\n"}
        for path in (tmp_path / "inbox/_failed").iterdir():
            path.unlink()
    letter.write_text("dear")
    with Disk(most_changes, is_other=is_other):
        quarantine.put(letter, tmp_path / "inbox", "why")


def test_a_name_that_leaves_no_room_for_a_note(letter: Path, tmp_path: Path) -> None:
    """Its note would have its own name: it is put there without one, as often as it comes."""
    for text in ("one", "two"):
        path = letter.with_name("x" * 251 + ".txt")
        path.write_text(text)
        quarantine.put(path, tmp_path / "inbox", "why")
    assert sorted(kept(tmp_path / "inbox").values()) == ["one", "two"]


@pytest.mark.parametrize(("is_other", "most"), [(False, 0), (True, 1)])
def test_names_that_somebody_took_are_not_all_read(
    is_other: bool, most: int, letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large sparse files there, each with the note that comes, kept all inboxes waiting for days."""
    failed, compared, are_same = tmp_path / "inbox/_failed", [], contents.are_same
    failed.mkdir()
    for name in ("letter.mp4", *(f"letter-{number}.mp4" for number in range(2, 9))):
        (failed / name).write_text("deaf")
        (failed / f"{name}.txt").write_text("why\n")

    def counting(*arguments: Any) -> bool:
        compared.append(arguments)
        return are_same(*arguments)

    monkeypatch.setattr(contents, "are_same", counting)
    with Disk(100, is_other=is_other):
        assert quarantine.put(letter, tmp_path / "inbox", "why").name == "letter-9.mp4"
    assert len(compared) == most


@pytest.mark.parametrize("there", ["file", "link", "no inbox"])
def test_a_folder_that_cannot_be_used(there: str, letter: Path, tmp_path: Path) -> None:
    """A sentence says so, and the file stays."""
    failed = tmp_path / "inbox/_failed"
    if there == "file":
        failed.touch()
    elif there == "link":
        failed.symlink_to(tmp_path)
    else:
        failed.parent.rmdir()
    with pytest.raises(Unavailable, match="_failed cannot be used"):
        quarantine.put(letter, failed.parent, "why")
    assert letter.exists()
    quarantine.take_back(tmp_path) if there == "no inbox" else quarantine.take_back(failed.parent)
    assert quarantine.keys([failed.parent]) == []


def test_links_in_it_are_not_followed(letter: Path, tmp_path: Path) -> None:
    """Neither for the file nor for its note."""
    failed = tmp_path / "inbox/_failed"
    failed.mkdir()
    for name in ("letter.mp4", "letter-2.mp4.txt"):
        (failed / name).symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("dear")
    assert quarantine.put(letter, tmp_path / "inbox", "why") == failed / "letter-3.mp4"
    assert (tmp_path / "secret").read_text() == "dear"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30
)  # each has a folder of its own
@given(st.text(st.characters(), max_size=100))
@example("\x1b[2J\x1b]0;title\x07: Invalid data\nIt is all right.\udcff")
def test_a_note_is_one_printable_line(tmp_path: Path, sentence: str) -> None:
    """A tool's reason may quote the file's name, which may move a cursor or fake a line."""
    inbox, claim = tmp_path / uuid.uuid4().hex, tmp_path / uuid.uuid4().hex
    inbox.mkdir()
    claim.mkdir()
    (claim / "letter.mp4").write_text("no video")
    quarantine.put(claim / "letter.mp4", inbox, sentence)
    note = kept(inbox)["letter.mp4.txt"]
    assert note == f"{escaped(sentence)}\n"
    assert note.removesuffix("\n").isprintable()


def test_trouble_with_one_folder_is_its_own(
    letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner may forbid that it is listed: what others have there, and the trash, was never deleted any more."""
    quarantine.put(letter, tmp_path / "inbox", "why")
    locked = tmp_path / "locked"
    (locked / "_failed").mkdir(parents=True)
    device, entries = (locked / "_failed").stat().st_ino, Folder.entries

    def refusing(folder: Folder) -> Any:
        if folder.own_status().st_ino == device:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return entries(folder)

    monkeypatch.setattr(Folder, "entries", refusing)
    assert len(quarantine.keys([locked, tmp_path / "inbox"])) == 2


def test_a_folder_that_somebody_filled(letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As much of it as is kept in mind is deleted at a time, and at last all."""
    monkeypatch.setattr(quarantine, "_MOST_NAMES", 3)
    quarantine.put(letter, tmp_path / "inbox", "why")
    for number in range(6):
        (tmp_path / f"inbox/_failed/{number}").touch()
    for left in (5, 2, 0):
        expired = quarantine.keys([tmp_path / "inbox"])
        quarantine.clear([tmp_path / "inbox"], expired)
        assert len(kept(tmp_path / "inbox")) == left
