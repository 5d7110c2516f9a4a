"""Which video a name means."""

import pytest

from vlogd.cli.finder import NotFound, find
from vlogd.core.model import File, Item


def item(item_id: str, title: str, slug: str) -> Item:
    """A video."""
    return Item(item_id, title, slug, "main", File(f"{item_id}/film.mp4"), item_id, 5, 1e9)


HOLIDAY = item("aa11", "Holiday", "holiday-aa11")
HOLIDAYS = item("ab22", "Holidays", "holidays-ab22")
OTHER = item("cc33", "Other", "other-cc33")
ALL = [HOLIDAY, HOLIDAYS, OTHER]


@pytest.mark.parametrize("name", ["aa11", "Holiday", "holiday-aa11", "holiday-", "aa"])
def test_by_id_slug_title_or_the_beginning_of_id_or_slug(name: str) -> None:
    """What is equal goes before what begins so."""
    assert find(ALL, name) is HOLIDAY


def test_a_title_that_begins_another_one_means_its_own_video() -> None:
    """Not "any of these"."""
    assert find([HOLIDAYS, HOLIDAY], "Holiday") is HOLIDAY


@pytest.mark.parametrize("name", ["nothing", "", "oliday"])
def test_no_video(name: str) -> None:
    """The message says where to look the names up."""
    with pytest.raises(NotFound, match=f"There is no video '{name}'; the shelf lists them."):
        find(ALL, name, "the shelf lists them")


def test_several_videos() -> None:
    """All are named, up to five."""
    with pytest.raises(NotFound, match="'hol' could be any of these: holiday-aa11, holidays-ab22"):
        find(ALL, "hol")
    with pytest.raises(NotFound, match="film-4 and 3 more"):
        find([item(f"id{number}", "Film", f"film-{number}") for number in range(8)], "Film")
