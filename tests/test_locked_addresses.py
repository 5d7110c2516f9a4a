"""Two files whose digests begin alike: the page and the files of the first video stay, whoever drops the second."""

from pathlib import Path
from typing import Any

import pytest
from clips import stamped
from daemon import Home, kill, tree, until

COLLIDING = """
from vlogd.core import digest
identity = digest.identity
digest.identity = lambda path: "0123456789" + identity(path)[10:]
"""
"""A fake of the attack's hard part: all files agree in the 40 bits that an address ends in. Such pairs are found in seconds."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of our own."""
    return Home(tmp_path)


def is_finished(video: dict[str, Any]) -> bool:
    """Whether all of its stages are."""
    return all(stage["status"] == "ready" for stage in video["stages"].values())


def test_a_page_stays_its_owners(home: Home) -> None:
    """The attacker's film gets a longer address; not a byte of the victim's page and stream changes."""
    daemon = home.start_with(COLLIDING)
    try:
        stamped(home.inbox / "film.mp4", seconds=1)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
        address = home.library / "videos" / home.videos()[0]["slug"]
        assert address.name == "film-0123456789"
        before = tree(address)
        stamped(home.inbox / "film.mp4", seconds=2)
        until(lambda: home.logged().count("item.ready") == 2)
    finally:
        kill(daemon)
    assert tree(address) == before
    assert len(home.videos()) == 2
    assert {video["slug"] for video in home.videos()} == {video["slug"] for video in home.status()["videos"]}
