"""Taking a file: exactly once, whole, never lost, whatever it is called and wherever it lies."""

import contextlib
import os
from pathlib import Path

import pytest
from clips import stamped
from taking import intake_into, is_whole, seen

from vlogd.core import digest, titles
from vlogd.core.descriptors import Folder
from vlogd.ingest import ownership
from vlogd.ingest.file_state import file_state
from vlogd.ingest.ignored_names import FAILED, is_ignored
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Accepted, Changed, Duplicate, Failed, NotTaken
from vlogd.storage.originals import Originals


def test_a_video_becomes_an_item(inbox: Inbox, intake: Intake, tmp_path: Path) -> None:
    """The file lies unchanged in its item's folder, and the item can be read back from there."""
    path = stamped(inbox.folder / "My_film.mp4", seconds=1)
    data = path.read_bytes()
    outcome = intake.take(path, inbox, seen(path))
    assert isinstance(outcome, Accepted)
    assert outcome.item.title == "My film"
    assert outcome.item.slug == f"my-film-{outcome.item.id[:10]}"
    assert (tmp_path / "originals" / outcome.item.original).read_bytes() == data
    assert Originals(tmp_path / "originals").scan().items == (outcome.item,)
    assert not path.exists()
    assert not list((tmp_path / "originals/.incoming").iterdir())


def test_an_address_that_is_used_is_not_given_again(inbox: Inbox, tmp_path: Path) -> None:
    """Another video's folder has it: the new item gets a longer one."""
    path = stamped(inbox.folder / "My_film.mp4", seconds=1)
    item_id = digest.identity(path)[:32]
    used = f"my-film-{item_id[:10]}"
    intake = intake_into(tmp_path / "originals", tmp_path, lambda slug, _item_id: slug == used)
    outcome = intake.take(path, inbox, seen(path))
    assert isinstance(outcome, Accepted)
    assert outcome.item.slug == f"my-film-{item_id}"


def test_same_bytes_are_one_item(inbox: Inbox, intake: Intake, tmp_path: Path) -> None:
    """The second copy is recognised and removed; the original stays."""
    first = stamped(inbox.folder / "one.mp4", seconds=1)
    data = first.read_bytes()
    taken = intake.take(first, inbox, seen(first))
    second = inbox.folder / "two.mp4"
    second.write_bytes(data)
    outcome = intake.take(second, inbox, seen(second))
    assert isinstance(taken, Accepted)
    assert outcome == Duplicate(second, taken.item)
    assert not second.exists()
    assert len(Originals(tmp_path / "originals").scan().items) == 1


def test_what_is_no_video_is_put_aside(inbox: Inbox, intake: Intake) -> None:
    """It goes to _failed beside a note; a second one of the same name does not replace it."""
    for number in (1, 2):
        path = inbox.folder / "letter.mp4"
        path.write_text(f"dear {number}")
        outcome = intake.take(path, inbox, seen(path))
        assert isinstance(outcome, Failed)
    kept = sorted(p.name for p in (inbox.folder / FAILED).iterdir())
    assert kept == ["letter-2.mp4", "letter-2.mp4.txt", "letter.mp4", "letter.mp4.txt"]


def test_what_is_no_file_is_left(inbox: Inbox) -> None:
    """Links, pipes and sockets get a sentence and are never opened."""
    (inbox.folder / "link.mp4").symlink_to("/etc/passwd")
    os.mkfifo(inbox.folder / "pipe.mp4")
    assert str(file_state((inbox.folder / "link.mp4").lstat())).startswith("It is a symbolic link")
    assert str(file_state((inbox.folder / "pipe.mp4").lstat())).startswith("It is a pipe")


def test_a_file_that_moved_on_is_not_taken(inbox: Inbox, intake: Intake) -> None:
    """If it grew since it was seen, it stays in the inbox."""
    path = stamped(inbox.folder / "film.mp4", seconds=1)
    before = seen(path)
    with path.open("ab") as file:
        file.write(b"more")
    assert intake.take(path, inbox, before) == Changed(path)
    assert path.exists()


def test_a_vanished_file_is_no_trouble(inbox: Inbox, intake: Intake) -> None:
    """Deleted before it was taken: nothing happens."""
    path = stamped(inbox.folder / "film.mp4", seconds=1)
    before = seen(path)
    path.unlink()
    assert intake.take(path, inbox, before) == Changed(path)


def test_across_file_systems(inbox: Inbox, tmp_path: Path) -> None:
    """A copy that was read back replaces the rename."""
    other = Path("/dev/shm")  # noqa: S108 - another file system is the point
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    originals = other / f"vlogd-test-{os.getpid()}"
    path = stamped(inbox.folder / "film.mp4", seconds=1)
    data = path.read_bytes()
    outcome = intake_into(originals, tmp_path).take(path, inbox, seen(path))
    assert isinstance(outcome, Accepted)
    assert (originals / outcome.item.original).read_bytes() == data
    assert not path.exists()


@pytest.mark.parametrize("is_foreign", [False, True])
@pytest.mark.parametrize("writes", range(9))
def test_a_crash_while_taking_loses_nothing(
    writes: int,
    is_foreign: bool,
    inbox: Inbox,
    intake: Intake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever rename it dies before, the file is in the inbox or taken up by recover, once.

    A foreign file is replaced by a copy (a fake: whom it belongs to, and that it cannot be given away).
    """
    path = stamped(inbox.folder / "film.mp4", seconds=1)
    data, before = path.read_bytes(), seen(path)
    left = [writes]

    def dying(real):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        def move(*arguments: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return real(*arguments)

        return move

    if is_foreign:
        monkeypatch.setattr(ownership, "_adopt", lambda *_arguments, **_options: False)
    with monkeypatch.context() as patches:
        for kind in (Path, Folder):
            patches.setattr(kind, "rename", dying(kind.rename))
        patches.setattr(Path, "replace", dying(Path.replace))
        patches.setattr(Folder, "rename_new", dying(Folder.rename_new))
        with contextlib.suppress(KeyboardInterrupt):
            intake.take(path, inbox, before)
    list(intake.resume({"main": inbox}))
    if path.exists():
        intake.take(path, inbox, seen(path))
    (item,) = Originals(tmp_path / "originals").scan().items
    original = tmp_path / "originals" / item.original
    assert original.read_bytes() == data
    assert (original.stat().st_ino == before.inode) is not is_foreign
    assert not path.exists()
    assert not list((tmp_path / "originals/.incoming").iterdir())
    assert not [entry for entry in original.parent.iterdir() if entry.is_dir() or "new" in entry.name]


@pytest.mark.parametrize("file", ["a.mp4", "a.mkv", "a.mov", "a.webm"])
def test_a_container_proves_that_it_is_whole(file: str, tmp_path: Path) -> None:
    """A finished file does; any shorter part of it, or one that is reserved but unfilled, does not."""
    options = ("-c:v", "libvpx", "-c:a", "libvorbis") if file.endswith("webm") else ()
    path = stamped(tmp_path / file, *options, seconds=1)
    data = path.read_bytes()
    assert is_whole(path)
    for length in (0, 3, 40, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert not is_whole(path)
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert not is_whole(path)


@pytest.mark.parametrize(
    ("name", "title"),
    [("a_b.mp4", "a b"), (".mp4", "mp4"), ("x\ny.mkv", "x y"), ("-rf.mp4", "-rf"), ("\udcff.mp4", "\ufffd"),
     ("   .mp4", "Untitled"), ("a.b.c.mp4", "a.b.c")],
)  # fmt: skip
def test_titles(name: str, title: str) -> None:
    """A title is what can be read of the name."""
    assert titles.title_of(name) == title


@pytest.mark.parametrize(
    "name", ["a.mp4.part", "a.crdownload", ".a.mp4.Xy1", "@eaDir", "Thumbs.db", "a.mp4~", "b.TMP"]
)
def test_litter(name: str) -> None:
    """Temporary names and file servers' own are no files."""
    assert is_ignored(name)
    assert not is_ignored("film.mp4")


def test_left_is_told_for_unreadable_files(inbox: Inbox, intake: Intake) -> None:
    """A file that may not be read stays, with a sentence."""
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = stamped(inbox.folder / "film.mp4", seconds=1)
    path.chmod(0)
    assert isinstance(intake.take(path, inbox, seen(path)), NotTaken)
