"""Two items that claim one address: the page of the first stays as it is, whatever comes after it."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from engine import Engine, published
from toy_stages import ToySettings, toy

from vlogd.core.errors import Unavailable
from vlogd.core.model import File, Item
from vlogd.storage.item_document import NAME
from vlogd.storage.originals import Originals

VICTIM, ATTACKER = (
    f"{'0123456789'}{char * 22}" for char in "fa"
)  # ids that agree in 40 bits (a fake: no files with such ids are searched for)
SLUG, LONGER = "film-0123456789", f"film-{ATTACKER}"


Start = Callable[..., Engine]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Begins a daemon's life; what a test leaves of it is closed."""
    with ExitStack() as ended:

        def begin(**words: bool) -> Engine:
            engine = Engine(tmp_path, [toy("first")], {"first": ToySettings()}, **words)
            ended.callback(engine.close)
            return engine

        yield begin


def write(engine: Engine, item_id: str, accepted_at: float = 1e9, slug: str = SLUG) -> Item:
    """An item as ingest leaves it."""
    text = f"film of {item_id}"
    folder = engine.originals / item_id
    folder.mkdir(exist_ok=True)
    (folder / "film.txt").write_text(text)
    item = Item(item_id, "film", slug, "main", File(f"{item_id}/film.txt"), text, len(text), accepted_at)
    Originals(engine.originals).write_item(folder, item)
    return item


def slugs(engine: Engine) -> dict[str, str]:
    """The address of each item, which document and journal agree on."""
    found = {item.id: item.slug for item in Originals(engine.originals).scan().items}
    assert {item.id: item.slug for item in engine.journal.items.all()} == found
    return found


def test_a_page_is_not_taken_over(start: Start) -> None:
    """The second one gets a longer address; not a byte of the first changes, also after the next start."""
    engine = start()
    engine.controller.accept(write(engine, VICTIM))
    engine.run()
    page = published(engine.root)
    engine.controller.accept(write(engine, ATTACKER))
    engine.run()
    assert slugs(engine) == {VICTIM: SLUG, ATTACKER: LONGER}
    assert {name: data for name, data in published(engine.root).items() if LONGER not in name} == page
    assert json.loads((engine.root / "videos" / SLUG / "video.json").read_text())["id"] == VICTIM
    engine.close()
    engine = start()
    engine.run()
    assert slugs(engine) == {VICTIM: SLUG, ATTACKER: LONGER}
    assert {name: data for name, data in published(engine.root).items() if LONGER not in name} == page


def test_both_before_either_has_a_folder(start: Start) -> None:
    """In the order in which they are accepted."""
    engine = start()
    for item_id in (VICTIM, ATTACKER):
        engine.controller.accept(write(engine, item_id))
    engine.run()
    assert slugs(engine) == {VICTIM: SLUG, ATTACKER: LONGER}
    assert len(list(engine.root.glob("videos/*/video.json"))) == 2


def test_a_lost_journal(start: Start) -> None:
    """Both documents have the same address: the older item keeps it, whichever is read first."""
    engine = start(looks=False)
    items = [write(engine, ATTACKER, 2e9), write(engine, VICTIM, 1e9)]
    for item in items:
        engine.journal.items.remove(item.id)
    engine.controller.adopt(items)
    engine.run()
    assert slugs(engine) == {VICTIM: SLUG, ATTACKER: LONGER}


def test_a_folder_that_only_the_library_knows(start: Start) -> None:
    """A longer address that another video had, in the trash for instance, is passed over too."""
    engine = start()
    engine.controller.accept(write(engine, VICTIM))
    (engine.root / ".workshop/trash" / LONGER).mkdir(parents=True)
    engine.controller.accept(write(engine, ATTACKER))
    engine.run()
    assert slugs(engine) == {VICTIM: SLUG, ATTACKER: f"{LONGER}-2"}


def test_a_journal_that_cannot_be_read_for_now(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose address it is cannot be told: the item waits."""
    engine = start()
    engine.controller.accept(write(engine, VICTIM))
    engine.run()

    def locked(_slugs: object) -> dict[str, str]:
        """Another program holds it (a fake)."""
        raise Unavailable("locked")

    with monkeypatch.context() as patched:
        patched.setattr(engine.journal.items, "owners", locked)
        engine.controller.accept(write(engine, ATTACKER))
        engine.run()
        assert [item.id for item in engine.journal.items.all()] == [VICTIM]
    engine.run()
    assert slugs(engine) == {VICTIM: SLUG, ATTACKER: LONGER}


def test_an_item_that_comes_again_keeps_its_address(start: Start) -> None:
    """Its own address is not another's."""
    engine = start()
    item = write(engine, VICTIM)
    engine.controller.accept(item)
    engine.run()
    engine.controller.accept(replace(item, source=File(f"{VICTIM}/film.txt")))
    engine.run()
    assert slugs(engine) == {VICTIM: SLUG}
    assert (engine.originals / VICTIM / NAME).exists()
