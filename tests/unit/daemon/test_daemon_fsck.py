"""What `vlogd fsck` finds and repairs, in a small home that no daemon ever ran in."""

import errno
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from vlogd.config import Config, load
from vlogd.core import digest
from vlogd.core.model import File, FileMark, Item, Link, Receipt, View
from vlogd.daemon.fsck import ConsistencyCheck, Difference
from vlogd.daemon.state_folder import volumes_of
from vlogd.storage import set_aside
from vlogd.storage.journal_recovery import open_journal
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals

FILM = b"a film"
RECIPE = {"stage": "poster"}


class SmallHome:
    """Folders with one item, its original and one artifact; all agree."""

    def __init__(self, folder: Path) -> None:
        (folder / "vlogd.yaml").write_text(
            "state: state\noriginals: originals\nlibrary: library\ninboxes: {main: {folder: inbox}}\n"
        )
        self.config: Config = load(folder / "vlogd.yaml")
        self.config.state.mkdir()
        volumes = volumes_of(self.config)
        volumes.check()
        volumes.close()
        self.originals = Originals(self.config.originals)
        self.library = Library(self.config.library)
        (folder / "film").write_bytes(FILM)
        self.item = Item(
            "00aa", "A", "a-00aa", "main", File("00aa/film"), digest.identity(folder / "film"), len(FILM), 1e9
        )
        (self.originals.root / "00aa").mkdir()
        (folder / "film").rename(self.originals.root / "00aa/film")
        self.originals.write_item(self.originals.root / "00aa", self.item)
        self.output = self.make_artifact(self.item)
        self.journal(self.item)

    def make_artifact(self, item: Item) -> Path:
        """A file of a finished step."""
        folder = self.library.step_folder(item, "poster-0123456789ab", private=False)
        folder.mkdir(parents=True)
        (folder / "a.jpg").write_bytes(b"jpeg")
        receipt = Receipt("make", {"a.jpg": FileMark(4, digest.of_bytes(b"jpeg"))}, {})
        self.library.commit(item, folder, RECIPE, [receipt], View())
        return folder / "a.jpg"

    def journal(self, *items: Item) -> None:
        """Make the journal know these."""
        journal = open_journal(self.config.state)
        journal.items.add(*items)
        journal.close()

    def check(
        self, *, deep: bool = False, repair: bool = False, strangers: Sequence[str] = ()
    ) -> list[Difference]:
        """What is found."""
        return ConsistencyCheck(self.config, deep=deep, repair=repair, strangers=strangers).run()


@pytest.fixture
def home(tmp_path: Path) -> SmallHome:
    """One that agrees in every byte."""
    home = SmallHome(tmp_path)
    assert home.check(deep=True, repair=True) == []
    return home


@pytest.mark.parametrize("damage", [b"a fil", b"A film", None])
def test_an_output_is_kept_while_its_original_is_not_intact(damage: bytes | None, home: SmallHome) -> None:
    """What cannot be made again is better damaged than gone."""
    original = home.originals.root / "00aa/film"
    original.unlink() if damage is None else original.write_bytes(damage)
    home.output.write_bytes(b"jpe")
    of_original, of_output = home.check(deep=True, repair=True)
    assert "original" in of_original.sentence
    assert "It is left as it is" in of_output.sentence
    assert (of_original.repaired, of_output.repaired) == ("", "")
    assert home.output.exists()


def test_an_output_is_made_again_from_an_intact_original(home: SmallHome) -> None:
    """Only `repair` deletes it."""
    home.output.write_bytes(b"jpe")
    assert [difference.repaired for difference in home.check()] == [""]
    assert home.output.exists()
    assert [difference.repaired for difference in home.check(repair=True)] == [
        "vlogd makes it again when it runs"
    ]
    assert not home.output.exists()


def test_one_item_that_cannot_be_checked(home: SmallHome) -> None:
    """It is reported, and the others are checked all the same."""
    (home.output.parent / "artifact.json").write_text(json.dumps({"format": 99}))
    (home.originals.root / "00bb").mkdir()
    other = Item("00bb", "B", "b-00bb", "main", File("00bb/film"), "d", 5, 1e9)
    home.originals.write_item(home.originals.root / "00bb", other)
    home.journal(other)
    sentences = {difference.where: difference.sentence for difference in home.check(repair=True)}
    assert "install a newer vlogd" in sentences["a-00aa"]
    assert sentences["b-00bb"] == "Its original is missing. Drop the same file again."


def test_an_item_without_a_file_misses_no_original(home: SmallHome) -> None:
    """A link's film is fetched again when an output of it is damaged."""
    (home.originals.root / "00cc").mkdir()
    link = Item("00cc", "C", "c-00cc", "main", Link("https://example.org/c"), "d", 0, 1e9)
    home.originals.write_item(home.originals.root / "00cc", link)
    home.journal(link)
    output = home.make_artifact(link)
    assert home.check(deep=True) == []
    output.unlink()
    assert [difference.repaired for difference in home.check(repair=True)] == [
        "vlogd makes it again when it runs"
    ]


@pytest.mark.parametrize("damage", ["unreadable", "damaged", "newer"])
def test_nothing_is_judged_while_an_original_cannot_be_read(damage: str, home: SmallHome) -> None:
    """Its videos would look like strays when the journal is lost, too: they must not go to the trash then."""
    document = home.originals.root / "00aa/.vlogd-item.json"
    content = document.read_text()
    if damage == "unreadable":
        document.unlink()
        document.mkdir()
    else:
        document.write_text("{" if damage == "damaged" else json.dumps({**json.loads(content), "format": 9}))
    for path in home.config.state.glob("journal.db*"):
        path.unlink()
    of_document, last = home.check(repair=True)
    assert str(document) in of_document.sentence
    assert last.sentence == "So nothing else was compared, and nothing was repaired."
    assert home.output.exists()
    if damage == "unreadable":
        document.rmdir()
    document.write_text(content)
    assert [difference.repaired for difference in home.check(repair=True)] == [
        "a new one was started",
        "it was added",
    ]


def test_strangers_go_to_the_trash_by_name(home: SmallHome) -> None:
    """They belong to no original here and the journal does not know them: somebody else may."""
    stray = home.library.root / "videos/b-00bb"
    stray.mkdir()
    for repair in (False, True):
        (difference,) = home.check(repair=repair)
        assert difference.sentence.endswith("vlogd fsck --repair --strangers b-00bb")
        assert difference.repaired == ""
    (difference,) = home.check(repair=True, strangers=["b-00bb"])
    assert difference.repaired.startswith("it was moved to ")
    assert not stray.exists()
    assert [path.name for path in home.library.workshop.trash().iterdir()] == ["b-00bb"]


def test_an_output_is_kept_while_its_original_fails(home: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when not every byte was to be read: before anything is deleted, the original is. A fake disk fails."""
    home.output.write_bytes(b"jpe")
    original = home.originals.root / "00aa/film"
    sound = digest.of_file

    def fails(path: Path) -> str:
        if path == original:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return sound(path)

    monkeypatch.setattr(digest, "of_file", fails)
    of_original, of_output = home.check(repair=True)
    assert (
        of_original.sentence == f"Its original {original} cannot be read: Input/output error. Check its disk."
    )
    monkeypatch.undo()
    original.write_bytes(b"A film")
    assert home.check() == [Difference("a-00aa", f"{home.output} has 3 bytes instead of 4.")]
    changed, kept = home.check(repair=True)
    assert "has changed since it was dropped" in changed.sentence
    assert of_output == kept
    assert "It is left as it is" in kept.sentence
    assert home.output.exists()


def test_a_journal_without_tables(home: SmallHome) -> None:
    """A start that was cut short left an empty file. It is reported, and a repair fills it."""
    for path in home.config.state.glob("journal.db*"):
        path.unlink()
    (home.config.state / "journal.db").touch()
    (difference,) = home.check()
    assert difference.sentence == "It is empty; vlogd rebuilds it when it starts."
    assert [each.repaired for each in home.check(repair=True)] == ["it was added"]
    assert home.check() == []


def test_what_only_the_journal_knows(home: SmallHome) -> None:
    """It is forgotten when nothing of it is left, and kept while its stream is there."""
    home.journal(
        Item("00dd", "D", "d-00dd", "main", File("00dd/film"), "d", 5, 1e9),
        Item("00ee", "E", "e-00ee", "main", File("00ee/film"), "d", 5, 1e9),
    )
    (home.library.root / "videos/e-00ee").mkdir()
    repaired = {difference.where: difference.repaired for difference in home.check(repair=True)}
    assert repaired == {"d-00dd": "it was forgotten", "e-00ee": ""}
    assert [difference.where for difference in home.check()] == ["e-00ee"]


def test_a_changed_original_by_its_sha256(home: SmallHome) -> None:
    """What samples cannot show (a fake: the noted SHA-256 is that of another file)."""
    home.originals.note_sha256(home.originals.root / "00aa", digest.of_bytes(b"another film"))
    assert home.check() == []
    assert "has changed since it was dropped" in home.check(deep=True)[0].sentence


@pytest.mark.parametrize(("size_bytes", "is_noted"), [(6, False), (1 << 30, True), (1 << 30, False)])
def test_whether_a_lost_original_can_come_back(size_bytes: int, is_noted: bool, home: SmallHome) -> None:
    """A large one only if its SHA-256 was noted."""
    (home.originals.root / "00aa/film").unlink()
    home.originals.write_item(home.originals.root / "00aa", replace(home.item, size_bytes=size_bytes))
    if is_noted:
        home.originals.note_sha256(home.originals.root / "00aa", digest.of_bytes(FILM))
    (lost,) = home.check()
    can_come_back = is_noted or size_bytes == 6
    assert ("Drop the same file again." in lost.sentence) == can_come_back
    assert ("it becomes a video of its own" in lost.sentence) != can_come_back


def test_what_was_set_aside(home: SmallHome) -> None:
    """It is told until somebody took care of it, and never repaired away."""
    (home.originals.root / "00bb").mkdir()
    (home.originals.root / "00bb/film").write_bytes(FILM)
    set_aside.make_room(home.originals.root, "00bb")
    (aside,) = home.check(repair=True)
    assert aside.where == str(home.originals.root / ".set-aside/00bb")
    assert "It lay in a video's place" in aside.sentence
    assert (home.originals.root / ".set-aside/00bb/film").read_bytes() == FILM


def test_a_vlogd_on_another_machine_is_watched_before_anything_is_repaired(
    home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stopped to beat: that takes a while to be seen, which is told once, and then the repair is made."""
    process = {"host": "nas2", "machine": "f", "boot": "b", "pid_namespace": "n", "pid": 7, "start_ticks": 7}
    lease = {"owner": "0123", "process": process, "version": "", "started_at": 1.0, "beat_seconds": 0.1}
    (home.originals.root / ".vlogd-lease.json").write_text(json.dumps(lease))
    monkeypatch.setattr("vlogd.daemon.fsck._PAUSE_SECONDS", 0.05)
    home.output.write_bytes(b"jpe")
    told: list[str] = []
    (repaired,) = ConsistencyCheck(home.config, deep=False, repair=True, tell=told.append).run()
    assert repaired.repaired == "vlogd makes it again when it runs"
    (sentence,) = told
    assert "was used by the vlogd on nas2 (process 7" in sentence


def test_a_folder_without_its_document(home: SmallHome) -> None:
    """With files in it, and named like an item: whose else would it be?"""
    (home.originals.root / "00ff").mkdir()
    (home.originals.root / "holidays").mkdir()
    assert home.check() == []
    (home.originals.root / "00ff/film").write_bytes(b"another film")
    (home.originals.root / "holidays/film").write_bytes(b"put there by somebody")
    (difference,) = home.check(repair=True)
    assert difference.where == str(home.originals.root / "00ff")
    assert ".vlogd-item.json is gone" in difference.sentence


def test_two_items_with_one_address(home: SmallHome) -> None:
    """The journal keeps the first; the second waits for the daemon, which gives it another one."""
    (home.originals.root / "00bb").mkdir()
    other = replace(home.item, id="00bb", source=File("00bb/film"), accepted_at=2e9)
    (home.originals.root / "00bb/film").write_bytes(FILM)
    home.originals.write_item(home.originals.root / "00bb", other)
    for _ in range(2):
        (found,) = home.check(repair=True)
        assert found.sentence.startswith("00bb has the address of another video")
    journal = open_journal(home.config.state)
    assert list(journal.items.all()) == [home.item]
    journal.close()
