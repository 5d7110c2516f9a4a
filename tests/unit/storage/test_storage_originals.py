"""Items beside their originals: what is written is read, and what cannot be read is told, never taken for missing."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from vlogd.core.cancellation import Never
from vlogd.core.errors import BadInput, Malformed, NewerFormat, Unavailable
from vlogd.core.model import Composition, File, Item, Link, Source
from vlogd.storage.item_document import NAME
from vlogd.storage.original_notes import MEDIA
from vlogd.storage.originals import Originals

ID = "00aa"


def item_with(source: Source) -> Item:
    """An item."""
    return Item(ID, "A film", "a-film-00aa", "main", source, "d1", 123, 1e9)


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    """With the folder of one item."""
    (tmp_path / ID).mkdir()
    return Originals(tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        File(f"{ID}/film.mp4"),
        File(f"{ID}/caf\udce9.mp4"),
        Link("https://example.org/film"),
        Composition({"cuts": [{"item": "00bb", "from_seconds": 1.5}]}),
    ],
)
def test_every_source_is_written_and_read(source: Source, originals: Originals) -> None:
    """Also names that are no UTF-8."""
    item = item_with(source)
    originals.write_item(originals.root / ID, item)
    assert originals.item(ID) == item
    assert originals.scan().items == (item,)


def test_a_dropped_file_has_the_keys_of_the_first_version(originals: Originals) -> None:
    """What reads these documents besides vlogd goes on reading them."""
    originals.write_item(originals.root / ID, item_with(File(f"{ID}/film.mp4")))
    assert json.loads((originals.root / ID / NAME).read_text()) == {
        "format": 1,
        "id": ID,
        "title": "A film",
        "slug": "a-film-00aa",
        "inbox": "main",
        "original": f"{ID}/film.mp4",
        "digest": "d1",
        "size_bytes": 123,
        "accepted_at": 1e9,
    }


def test_unknown_keys_are_kept_when_an_item_comes_again(originals: Originals, tmp_path: Path) -> None:
    """Its original was lost and is dropped again, under another name."""
    old = item_with(File(f"{ID}/film.mp4"))
    originals.write_item(originals.root / ID, old)
    document = originals.root / ID / NAME
    document.write_text(json.dumps({**json.loads(document.read_text()), "rating": 5}))
    claim = tmp_path / ".incoming"
    claim.mkdir()
    originals.write_item(claim, item_with(File(f"{ID}/again.mp4")))
    content = json.loads((claim / NAME).read_text())
    assert (content["rating"], content["original"]) == (5, f"{ID}/again.mp4")


def mounted() -> None:
    """The archive's disk is there."""


def damage(originals: Originals, content: object) -> None:
    """Replace the item's document."""
    (originals.root / ID / NAME).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"title": None}, "`title` is not a string"),
        ({"id": "../00bb"}, "`id` cannot name a folder"),
        ({"slug": ".."}, "`slug` cannot name a folder"),
        ({"original": "00aa/../../film.mp4"}, "`original` leads out of the originals folder"),
        ({"original": "/etc/passwd"}, "`original` leads out of the originals folder"),
        ({"size_bytes": 1.5}, "`size_bytes` is not a whole number"),
        ({"source": {"kind": "dream"}}, "`source` is neither"),
    ],
)
def test_a_damaged_item_is_told(change: dict[str, object], why: str, originals: Originals) -> None:
    """With its file and its fault; the other items are read."""
    originals.write_item(originals.root / ID, item_with(File(f"{ID}/film.mp4")))
    damage(originals, json.loads((originals.root / ID / NAME).read_text()) | change)
    with pytest.raises(Malformed, match=why):
        originals.item(ID)
    (originals.root / "00bb").mkdir()
    other = Item("00bb", "B", "b-00bb", "main", File("00bb/b.mp4"), "d2", 5, 2e9)
    originals.write_item(originals.root / "00bb", other)
    scan = originals.scan()
    assert scan.items == (other,)
    assert [why in sentence for sentence in scan.unreadable] == [True]


def test_a_newer_item_is_told(originals: Originals) -> None:
    """It is neither missing nor overwritten."""
    damage(originals, {"format": 2, "id": ID})
    with pytest.raises(NewerFormat, match="install a newer vlogd"):
        originals.item(ID)
    with pytest.raises(NewerFormat):
        originals.write_item(originals.root / ID, item_with(File(f"{ID}/film.mp4")))
    assert len(originals.scan().unreadable) == 1


def test_an_io_error_is_no_missing_item(originals: Originals) -> None:
    """Here the document is a folder; a bad sector gives another number."""
    (originals.root / ID / NAME).mkdir()
    with pytest.raises(IsADirectoryError):
        originals.item(ID)
    assert [str(originals.root / ID / NAME) in sentence for sentence in originals.scan().unreadable] == [True]


def test_what_is_no_item(originals: Originals) -> None:
    """An empty folder, a stray file, and hidden folders."""
    (originals.root / "notes.txt").write_text("mine")
    (originals.root / ".incoming").mkdir()
    assert originals.item(ID) is None
    assert originals.item("notes.txt") is None
    assert originals.scan().items == ()
    assert originals.scan().unreadable == ()
    assert Originals(originals.root / "absent").scan().items == ()


@pytest.fixture
def film(originals: Originals) -> Item:
    """An item with its document, its original and ffprobe's description."""
    item = replace(item_with(File(f"{ID}/film.mp4")), size_bytes=4)
    originals.write_item(originals.root / ID, item)
    (originals.root / item.original).write_bytes(b"film")
    (originals.root / ID / MEDIA).write_text("{}")
    return item


def test_ffprobes_description_stays_with_the_item(originals: Originals, film: Item, tmp_path: Path) -> None:
    """Archiving and deleting leave it alone; it moves to the trash and back, and goes with the item."""
    archiving = Originals(originals.root, tmp_path / ".archive")
    description = originals.root / ID / MEDIA
    assert archiving.media_facts(film) == description
    assert archiving.put_into_archive(film, Never(), mounted)
    assert archiving.find(film) == tmp_path / ".archive" / film.original
    assert archiving.delete(film, Never())
    assert archiving.was_deleted(film)
    assert archiving.media_facts(film) == description
    archiving.remove(film, 2e9)
    assert archiving.media_facts(film) is None
    archiving.restore(film)
    assert archiving.media_facts(film) == description
    archiving.remove(film, 2e9)
    archiving.purge(film)
    assert not list(originals.root.rglob(MEDIA))


def test_the_archive_keeps_an_original_until_it_is_purged(
    originals: Originals, film: Item, tmp_path: Path
) -> None:
    """In the trash only the document moves; whoever purges must have the archive's disk."""
    archiving = Originals(originals.root, tmp_path / ".archive")
    assert archiving.put_into_archive(film, Never(), mounted)
    assert not archiving.put_into_archive(film, Never(), mounted)
    archiving.remove(film, 2e9)
    assert archiving.is_only_in_archive(film)
    assert [(item.id, keep_until) for item, keep_until in archiving.removed()] == [(ID, 2e9)]
    archiving.purge(film)
    assert not (tmp_path / ".archive" / ID).exists()
    assert list(archiving.removed()) == []


def test_a_crash_between_the_copy_and_the_unlinking(originals: Originals, film: Item, tmp_path: Path) -> None:
    """The original lies in both places: archiving again removes the first."""
    archiving = Originals(originals.root, tmp_path / ".archive")
    (tmp_path / ".archive" / ID).mkdir(parents=True)
    (tmp_path / ".archive" / film.original).write_bytes(b"film")
    assert archiving.put_into_archive(film, Never(), mounted)
    assert not (originals.root / film.original).exists()


def test_removing_again_prolongs(originals: Originals, film: Item) -> None:
    """A removal that a crash cut short is repeated, perhaps with another end."""
    originals.remove(film, 1e9)
    originals.remove(film, 2e9)
    assert [keep_until for _, keep_until in originals.removed()] == [2e9]
    assert originals.in_trash(ID) == film


def test_what_cannot_be_deleted_stays_in_the_trash(originals: Originals, film: Item) -> None:
    """It is found and tried again, instead of lying there for ever without its note."""
    originals.remove(film, 1e9)
    folder = originals.root / ".trash" / ID
    if subprocess.run(["chattr", "+i", folder], check=False, capture_output=True).returncode:
        pytest.skip("this file system knows no immutable folders, or this user may not make them")
    try:
        with pytest.raises(Unavailable, match="cannot be deleted from the trash"):
            originals.purge(film)
    finally:
        subprocess.run(["chattr", "-i", folder], check=True)
    assert [item for item, _ in originals.removed()] == [film]
    originals.purge(film)
    assert list(originals.removed()) == []


def test_restoring(originals: Originals, film: Item) -> None:
    """Twice is harmless, also after a crash before the note went; a new drop of the same is not replaced."""
    with pytest.raises(BadInput, match="dropped again, or is gone"):
        Originals(originals.root / "elsewhere").restore(film)
    originals.remove(film, 1e9)
    originals.restore(film)
    assert originals.item(ID) == film
    originals.restore(film)
    originals.remove(film, 1e9)
    (originals.root / ID).mkdir()
    with pytest.raises(BadInput, match="dropped again"):
        originals.restore(film)


def test_an_item_without_a_file(originals: Originals) -> None:
    """Nothing lies there that could be found, archived or deleted."""
    item = item_with(Link("https://example.org/film"))
    assert originals.find(item) is None
    assert not originals.delete(item, Never())
    assert not originals.put_into_archive(item, Never(), mounted)
    assert not Originals(originals.root, originals.root / ".archive").put_into_archive(item, Never(), mounted)
    originals.measure(item, Never())
    assert not originals.is_only_in_archive(item)
    with pytest.raises(TypeError, match="not dropped as a file"):
        _ = item.original
