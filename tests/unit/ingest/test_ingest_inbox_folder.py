"""The way into an inbox."""

from pathlib import Path

import pytest

from vlogd.core.descriptors import Folder
from vlogd.core.errors import Unavailable
from vlogd.ingest import inbox_folder


def test_the_inbox_itself_may_be_a_link_and_nothing_below_it(tmp_path: Path) -> None:
    """Its path is its owner's; what is in it is anybody's."""
    (tmp_path / "disk/folder").mkdir(parents=True)
    (tmp_path / "disk/folder/film.ts").write_text("film")
    (tmp_path / "inbox").symlink_to("disk")
    (tmp_path / "disk/link").symlink_to("folder")
    with inbox_folder.entry(tmp_path / "inbox", tmp_path / "inbox/folder/film.ts") as (folder, name):
        assert folder.status(name).st_size == 4
    with (
        pytest.raises(FileNotFoundError),
        inbox_folder.entry(tmp_path / "inbox", tmp_path / "inbox/link/film.ts"),
    ):
        pass


def test_an_inbox_that_was_replaced_is_another_one(tmp_path: Path) -> None:
    """Also while the first one still exists elsewhere."""
    inbox = tmp_path / "inbox"
    assert inbox_folder.identity(inbox) is None
    inbox.mkdir()
    before = inbox_folder.identity(inbox)
    assert before == inbox_folder.identity(inbox)
    inbox.rename(tmp_path / "other")
    inbox.mkdir()
    assert inbox_folder.identity(inbox) not in (before, None)
    inbox.rmdir()
    inbox.touch()
    assert inbox_folder.identity(inbox) is None


def test_putting_back_makes_the_folders_again_and_replaces_nothing(tmp_path: Path) -> None:
    """And where the inbox is another folder by now, the name alone counts."""
    (tmp_path / "inbox").mkdir()
    for path in ("inbox/a/b/film.ts", "inbox/a/b/film.ts", "elsewhere/a/film.ts"):
        (tmp_path / "film.ts").write_text(path)
        with Folder.at(tmp_path) as folder:
            inbox_folder.put_back(folder, "film.ts", tmp_path / "inbox", tmp_path / path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ts")}
    assert found == {"inbox/a/b/film.ts", "inbox/a/b/film-2.ts", "inbox/film.ts"}


def test_failed_is_made_only_where_something_is_to_be_put_there(tmp_path: Path) -> None:
    """Looking into it makes nothing."""
    with pytest.raises(Unavailable), inbox_folder.failed(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    with inbox_folder.failed(tmp_path, create=True):
        assert (tmp_path / "_failed").is_dir()
