"""Which item a file is: files with the same samples are told apart, whatever is missing, and nobody's file is removed."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from clips import stamped
from taking import seen

from vlogd.core import digest
from vlogd.core.cancellation import Never
from vlogd.core.model import File, Item
from vlogd.ingest.claims import Claim
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Accepted, Duplicate, NotTaken, Outcome
from vlogd.media.process import Limits
from vlogd.storage import set_aside
from vlogd.storage.item_document import NAME
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes

PADDING_BYTES = 6 << 20


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Two films with the same identity: they differ in one byte, between two samples, of an MP4 `free` box."""
    clip = stamped(tmp_path_factory.mktemp("clip") / "film.mp4", seconds=1).read_bytes()
    box = (PADDING_BYTES + 8).to_bytes(4, "big") + b"free"
    film = bytearray(clip + box + bytes(PADDING_BYTES))
    spacing = (len(film) - (64 << 10)) // 31
    other = bytearray(film)
    other[20 * spacing + (100 << 10)] = 1
    return bytes(film), bytes(other)


@dataclass
class Place:
    """An intake with an archive, and the disk of it."""

    root: Path
    inbox: Inbox

    def __post_init__(self) -> None:
        self.originals = Originals(self.root / "originals", self.archive)
        self.volumes = Volumes(self.root, {"originals": self.originals.root}, 0, {"archive": self.archive})
        self.intake = Intake(self.originals, Limits(), Never(), self.volumes)  # type: ignore[arg-type]

    @property
    def archive(self) -> Path:
        """The archive's folder."""
        return self.root / "archive"

    def drop(self, data: bytes, name: str = "film.mp4") -> Outcome:
        """Drop a file and take it."""
        path = self.inbox.folder / name
        path.write_bytes(data)
        return self.intake.take(path, self.inbox, seen(path))

    def accept(self, data: bytes, name: str = "film.mp4") -> Item:
        """Drop a file that becomes an item."""
        outcome = self.drop(data, name)
        assert isinstance(outcome, Accepted)
        return outcome.item

    def resume(self) -> list[Outcome]:
        """The next listing."""
        return list(self.intake.resume({"main": self.inbox}))


@pytest.fixture
def place(inbox: Inbox, tmp_path: Path) -> Place:
    """Empty."""
    return Place(tmp_path, inbox)


def test_the_films_have_the_same_identity(films: tuple[bytes, bytes], tmp_path: Path) -> None:
    """The attack that the other tests make needs it."""
    for name, data in zip("ab", films, strict=True):
        (tmp_path / name).write_bytes(data)
    assert digest.identity(tmp_path / "a") == digest.identity(tmp_path / "b")
    assert films[0] != films[1]


def test_both_films_are_kept(films: tuple[bytes, bytes], place: Place) -> None:
    """Two items; each dropped again is a duplicate of itself."""
    items = [place.accept(data) for data in films]
    assert items[0].id != items[1].id
    assert len(items[0].id) == len(items[1].id) == 32
    assert [place.drop(data) for data in films] == [
        Duplicate(place.inbox.folder / "film.mp4", item) for item in items
    ]


def test_an_archive_that_is_not_mounted_is_waited_for(films: tuple[bytes, bytes], place: Place) -> None:
    """Its original is absent, not gone: neither film is taken for it, and none is lost."""
    film, other = films
    item = place.accept(film)
    assert place.originals.put_into_archive(item, Never(), lambda: place.volumes.check("archive"))
    place.volumes.check("archive")
    away = place.archive.rename(place.root / "away")
    place.archive.mkdir()
    outcome = place.drop(other, "other.mp4")
    assert isinstance(outcome, NotTaken)
    assert "its original is archived. The archive folder" in outcome.sentence
    assert place.originals.item(item.id) == item
    place.archive.rmdir()
    away.rename(place.archive)
    (accepted,) = place.resume()
    assert isinstance(accepted, Accepted)
    assert accepted.item.id != item.id
    assert (place.archive / item.original).read_bytes() == film
    assert (place.originals.root / accepted.item.original).read_bytes() == other


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_lost_original_is_not_replaced_by_another_film(
    is_noted: bool, films: tuple[bytes, bytes], place: Place
) -> None:
    """The item keeps its place; what has its bytes comes back to it where its SHA-256 was noted, and only then."""
    film, other = films
    item = place.accept(film)
    if is_noted:
        place.originals.measure(item, Never())
    (place.originals.root / item.original).unlink()
    assert place.accept(other, "other.mp4").id != item.id
    assert place.originals.find(item) is None
    again = place.accept(film, "again.mp4")
    assert (again == replace(item, source=File(f"{item.id}/again.mp4"))) == is_noted
    assert isinstance(place.drop(film), Duplicate)


@pytest.mark.parametrize("fault", ["not JSON", "newer", "a folder"])
def test_an_unreadable_item_keeps_its_home(fault: str, films: tuple[bytes, bytes], place: Place) -> None:
    """The file waits with a sentence; the home and the original in it stay."""
    item = place.accept(films[0])
    document = place.originals.root / item.id / NAME
    newer = json.dumps({**json.loads(document.read_text()), "format": 99})
    document.unlink()
    document.mkdir() if fault == "a folder" else document.write_text(newer if fault == "newer" else "{")
    for data in films:
        outcome = place.drop(data)
        assert isinstance(outcome, NotTaken)
        assert "vlogd will try again" in outcome.sentence
    assert (place.originals.root / item.original).read_bytes() == films[0]
    assert len(place.resume()) == 2


def test_what_lies_in_the_place_of_an_item_is_set_aside(films: tuple[bytes, bytes], place: Place) -> None:
    """Its document was lost, and the file that is there is whoever's: it is kept and told."""
    item = place.accept(films[0])
    (place.originals.root / item.id / NAME).unlink()
    (place.originals.root / item.id / "notes.txt").write_text("mine")
    assert place.accept(films[1], "other.mp4").id == item.id
    (aside,) = set_aside.what_is_there(place.originals.root)
    assert (aside / "film.mp4").read_bytes() == films[0]
    assert (aside / "notes.txt").read_text() == "mine"


def test_a_stray_file_in_the_place_of_an_item(films: tuple[bytes, bytes], place: Place) -> None:
    """Twice, which takes two names."""
    item = place.accept(films[0])
    for number in (1, 2):
        shutil.rmtree(place.originals.root / item.id)
        (place.originals.root / item.id).write_text("mine")
        assert place.accept(films[0]).id == item.id
        assert [path.read_text() for path in set_aside.what_is_there(place.originals.root)] == [
            "mine"
        ] * number


def test_an_item_of_an_earlier_version_keeps_its_id(films: tuple[bytes, bytes], place: Place) -> None:
    """Its id has 16 characters. The same film is a duplicate; another one with its samples is not."""
    item = earlier(place, place.accept(films[0]))
    assert place.drop(films[0]) == Duplicate(place.inbox.folder / "film.mp4", item)
    assert len(place.accept(films[1], "other.mp4").id) == 32
    (place.originals.root / item.original).unlink()
    place.accept(films[0])
    assert place.originals.find(item) is None


def test_a_small_lost_film_of_an_earlier_version_comes_back(place: Place, tmp_path: Path) -> None:
    """Its identity is a digest of all its bytes."""
    clip = stamped(tmp_path / "clip.mp4", seconds=1).read_bytes()
    item = earlier(place, place.accept(clip))
    (place.originals.root / item.original).unlink()
    assert place.accept(clip) == item


def test_a_crash_while_an_item_of_an_earlier_version_comes_back(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When its home has made room and the new one is not in place: it is still the same item afterwards."""
    clip = stamped(tmp_path / "clip.mp4", seconds=1).read_bytes()
    item = earlier(place, place.accept(clip))
    (place.originals.root / item.original).unlink()

    def crash(_claim: Claim, _home: Path) -> None:
        """The machine dies here."""
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Claim, "move_to", crash)
        with pytest.raises(KeyboardInterrupt):
            place.drop(clip)
    assert place.originals.item(item.id) is None
    assert [outcome.item for outcome in place.resume() if isinstance(outcome, Accepted)] == [item]
    assert set_aside.what_is_there(place.originals.root) == []


@pytest.mark.parametrize("is_archived", [False, True])
def test_a_film_in_the_trash_is_not_replaced(
    is_archived: bool, films: tuple[bytes, bytes], place: Place
) -> None:
    """Another film with its samples gets an id of its own, and the removed one can be restored; the same one comes back."""
    film, other = films
    item = place.accept(film)
    if is_archived:
        assert place.originals.put_into_archive(item, Never(), lambda: place.volumes.check("archive"))
    place.originals.remove(item, 4e9)
    accepted = place.accept(other)
    assert accepted.id != item.id
    place.originals.remove(accepted, 4e9)
    assert {removed.id for removed, _ in place.originals.removed()} == {item.id, accepted.id}
    assert place.accept(film).id == item.id
    original = place.originals.find_removed(item)
    assert original is not None
    assert original.read_bytes() == film


def earlier(place: Place, item: Item) -> Item:
    """The item as version 0.1.0 accepted it (a fake: its folder and document are rewritten)."""
    old = replace(item, id=item.id[:16], source=File(f"{item.id[:16]}/{Path(item.original).name}"))
    home = (place.originals.root / item.id).rename(place.originals.root / old.id)
    (home / NAME).unlink()
    place.originals.write_item(home, old)
    return old
