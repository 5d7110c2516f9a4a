"""`vlogd cancel`, `rm`, `restore`, `retry --all`, and what becomes of originals: nothing goes by accident."""

import re
import shutil
import signal
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home, children, kill, tree, until

from vlogd.core import files
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of our own."""
    return Home(tmp_path)


def published(home: Home) -> dict[str, bytes]:
    """The published videos, without what the catalogue says of them."""
    return {name: data for name, data in tree(home.library).items() if name.startswith("videos/")}


def keeping(home: Home, **values: object) -> None:
    """Set keys of the section `keeping`."""
    told = ", ".join(f"{key}: {value}" for key, value in values.items())
    home.config.write_text(
        re.sub(r"(?m)^keeping: .*\n", "", home.config.read_text()) + f"keeping: {{{told}}}\n"
    )


def test_a_removed_video_can_be_brought_back(home: Home) -> None:
    """It leaves the page at once; restored, it is there as it was, and nothing is encoded again."""
    stamped(home.inbox / "one.mp4", seconds=2)
    stamped(home.inbox / "two.mp4", seconds=3)
    assert home.once().returncode == 0
    before = published(home)
    assert "30 days" in home.vlogd("rm", "one").stdout
    assert "item.removed" in home.once().stderr
    assert [video["title"] for video in home.videos()] == ["two"]
    assert [video["title"] for video in files.read_json(home.library / "catalog.json")["videos"]] == ["two"]
    assert [path.name for path in home.folder.glob("originals/.trash/*/*.mp4")] == ["one.mp4"]
    assert (home.library / ".workshop").stat().st_mode & 0o077 == 0
    assert home.vlogd("show", "one", check=False).returncode == 3
    assert "one  (until" in home.vlogd("restore").stdout
    home.vlogd("restore", "one")
    again = home.once()
    assert again.returncode == 0
    assert "part.started" not in again.stderr
    assert published(home) == before
    assert home.vlogd("restore").stdout == ""


def test_removed_now_is_removed_for_good(home: Home) -> None:
    """`--now` leaves neither original nor stream, and the same file can be dropped again."""
    clip = stamped(home.folder / "one.mp4", seconds=2)
    shutil.copy(clip, home.inbox)
    assert home.once().returncode == 0
    before = published(home)
    home.vlogd("rm", "--now", "one")
    assert home.once().returncode == 0
    assert published(home) == {}
    assert not list(home.folder.glob("originals/**/*.mp4"))
    assert not list((home.library / ".workshop/trash").iterdir())
    shutil.copy(clip, home.inbox)
    assert home.once().returncode == 0
    assert published(home) == before


def test_a_video_in_work_is_removed_too(home: Home) -> None:
    """What runs for it ends at once; a kill at any moment of the removal changes nothing of its end."""
    stamped(home.inbox / "long.mp4", seconds=120, size="640x360")
    stamped(home.inbox / "short.mp4", seconds=2)
    daemon = home.start()
    until(lambda: "part=video-0001" in home.logged() and children(daemon.pid))
    home.vlogd("rm", "long")
    until(lambda: "item.removing" in home.logged())
    kill(daemon)
    done = home.once()
    assert done.returncode == 0, done.stderr
    assert [video["title"] for video in home.videos()] == ["short"]
    assert [path.name for path in home.folder.glob("originals/.trash/*/*.mp4")] == ["long.mp4"]
    assert home.vlogd("fsck").stdout == "Journal, originals and library agree.\n"


@pytest.mark.parametrize("steps", range(3))
def test_a_crash_between_the_steps_of_a_removal(home: Home, steps: int) -> None:
    """The request is heard again, and what was begun is finished."""
    stamped(home.inbox / "one.mp4", seconds=2)
    assert home.once().returncode == 0
    home.vlogd("rm", "one")
    originals = Originals(home.folder / "originals")
    (item,) = originals.scan().items
    if steps > 0:
        originals.remove(item, 4e9)
    if steps > 1:
        Library(home.library).discard(item)
    done = home.once()
    assert done.returncode == 0, done.stderr
    assert published(home) == {}
    assert home.status()["videos"] == []
    assert [path.name for path in home.folder.glob("originals/.trash/*/*.mp4")] == ["one.mp4"]
    assert list((home.folder / "state/requests").iterdir()) == []
    home.vlogd("restore", "one")
    assert "part.started" not in home.once().stderr


def test_the_trash_is_emptied_in_time(home: Home) -> None:
    """With no days of grace it is empty after the second look at it, an hour later."""
    keeping(home, trash_days=0, failed_days=0.000001)
    stamped(home.inbox / "one.mp4", seconds=2)
    (home.inbox / "letter.mp4").write_text("no film\n")
    assert home.once().returncode == 1
    home.vlogd("rm", "one")
    for hours in (0, 1):
        assert (home.inbox / "_failed/letter.mp4").exists()
        assert home.once_later(hours).returncode == 0
        assert len(list(home.folder.glob("originals/.trash/*.json"))) == 1
    assert home.once_later(2).returncode == 0
    assert not list(home.folder.glob("originals/.trash/*"))
    assert not list((home.inbox / "_failed").iterdir())


def test_a_cancelled_video_rests_until_it_is_retried(home: Home) -> None:
    """Its parts end at once, also over a restart; what was done is used afterwards."""
    stamped(home.inbox / "long.mp4", seconds=60, size="640x360")
    daemon = home.start()
    until(lambda: re.search(r"part.done .*part=video", home.logged()))
    home.vlogd("cancel", "long")
    until(lambda: "was cancelled" in home.vlogd("show", "long").stdout)
    until(lambda: not children(daemon.pid), 10)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(15) == 0
    stopped = home.once()
    assert stopped.returncode == 1
    assert "part.started" not in stopped.stderr
    assert "1 video: will be tried again" in home.vlogd("retry", "--all").stdout
    resumed = home.once()
    assert resumed.returncode == 0, resumed.stderr
    done = set(re.findall(r"part.done .*stage=hls.* part=(\S+)", home.logged()))
    assert done
    assert not done & set(re.findall(r"part.started .*stage=hls.* part=(\S+)", resumed.stderr))


def test_an_archived_original_serves_as_before(home: Home) -> None:
    """It lies in the archive, a changed setting is made from there, and a copy of it is still a duplicate."""
    archive = home.folder / "archive"
    keeping(home, originals="archive", originals_days=0, archive=archive)
    clip = stamped(home.folder / "one.mp4", seconds=3)
    shutil.copy(clip, home.inbox)
    assert home.once_later(0).returncode == 0
    assert len(list(home.folder.glob("originals/*/*.mp4"))) == 1
    assert home.once_later(1).returncode == 0
    (kept,) = archive.glob("*/one.mp4")
    assert kept.read_bytes() == clip.read_bytes()
    assert not list(home.folder.glob("originals/*/*.mp4"))
    home.config.write_text(
        home.config.read_text().replace("stages:\n", "stages:\n  poster: {at_seconds: 1}\n")
    )
    shutil.copy(clip, home.inbox / "copy.mp4")
    again = home.once()
    assert again.returncode == 0
    assert "item.duplicate" in again.stderr
    assert set(re.findall(r"part.started .*stage=(\S+)", again.stderr)) == {"poster"}


def test_a_deleted_original_leaves_a_finished_video(home: Home) -> None:
    """Only a ready video's original goes; then a changed setting no longer asks for what cannot be made."""
    keeping(home, originals="delete", originals_days=0)
    clip = stamped(home.folder / "one.mp4", seconds=3)
    shutil.copy(clip, home.inbox)
    (home.inbox / "letter.mp4").write_text("no film\n")
    assert home.once_later(0).returncode == 1
    assert len(list(home.folder.glob("originals/*/*.mp4"))) == 1
    assert home.once_later(1).returncode == 0
    assert not list(home.folder.glob("originals/*/*.mp4"))
    before = published(home)
    home.config.write_text(
        home.config.read_text().replace("stages:\n", "stages:\n  poster: {at_seconds: 1}\n")
    )
    again = home.once()
    assert again.returncode == 0
    assert "part.started" not in again.stderr
    assert [video["status"] for video in home.videos()] == ["ready"]
    assert {name for name in published(home) if "poster" in name} == {n for n in before if "poster" in n}
    assert home.vlogd("fsck").returncode == 0
    shutil.copy(clip, home.inbox)
    assert home.once().returncode == 0
    assert [video["status"] for video in home.videos()] == ["ready"]


def test_what_its_parts_shared_goes_too(home: Home) -> None:
    """The copy of an un-indexed film in the scratch folder does not stay until the next start."""
    stamped(home.inbox / "long.ts", seconds=40, size="640x360")
    daemon = home.start()
    try:
        until(lambda: re.search(r"part.done .*part=video", home.logged()))
        assert list(home.folder.glob("state/scratch/steps/*/*"))
        home.vlogd("rm", "--now", "long")
        until(lambda: "item.removed" in home.logged())
        assert not list(home.folder.glob("state/scratch/steps/*"))
    finally:
        kill(daemon)


def test_asked_twice_is_done_once(home: Home) -> None:
    """Two requests to remove one video: both are fulfilled, so that neither takes it away again once it is restored."""
    stamped(home.inbox / "one.mp4", seconds=2)
    assert home.once().returncode == 0
    home.vlogd("rm", "one", "one")
    assert home.once().returncode == 0
    assert list((home.folder / "state/requests").iterdir()) == []
    home.vlogd("restore", "one")
    assert home.once().returncode == 0
    assert home.once().returncode == 0
    assert [video["title"] for video in home.videos()] == ["one"]


def test_the_last_word_counts(home: Home) -> None:
    """Requests are heard in the order in which they were made; `--now` after a softer wish is for good."""
    stamped(home.inbox / "one.mp4", seconds=2)
    stamped(home.inbox / "two.mp4", seconds=3)
    assert home.once().returncode == 0
    for _ in range(4):
        home.vlogd("cancel", "one")
        home.vlogd("retry", "one")
    home.vlogd("rm", "two")
    home.vlogd("rm", "--now", "two")
    assert home.once().returncode == 0
    assert "cancelled" not in home.vlogd("show", "one").stdout
    assert list(home.folder.glob("originals/.trash/*")) == []


def test_dropped_again_while_its_removal_waits(home: Home) -> None:
    """`rm --now` was said while no vlogd ran, and the same file was dropped: the new one stays."""
    clip = stamped(home.folder / "one.mp4", seconds=2)
    shutil.copy(clip, home.inbox)
    assert home.once().returncode == 0
    home.vlogd("rm", "--now", "one")
    shutil.copy(clip, home.inbox)
    daemon = home.start()
    try:
        until(lambda: "item.removed" in home.logged())
        until(lambda: len(list(home.folder.glob("originals/*/one.mp4"))) == 1)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
    finally:
        kill(daemon)
    assert home.once().returncode == 0
    assert [video["title"] for video in home.videos()] == ["one"]


def test_an_archive_whose_disk_is_away(home: Home) -> None:
    """Nothing is copied below its mount point, and what it holds is not given up."""
    archive = home.folder / "archive"
    keeping(home, originals="archive", originals_days=0, archive=archive)
    stamped(home.inbox / "one.mp4", seconds=2)
    assert home.once_later(0).returncode == 0
    assert home.once_later(1).returncode == 0
    away = archive.rename(home.folder / "elsewhere")
    archive.mkdir()
    stamped(home.inbox / "two.mp4", seconds=3)
    home.vlogd("rm", "--now", "one")
    home.once_later(2)
    home.once_later(3)
    assert list(archive.iterdir()) == []
    assert len(list(home.folder.glob("originals/*/two.mp4"))) == 1
    assert len(list(away.glob("*/one.mp4"))) == 1
    archive.rmdir()
    away.rename(archive)
    assert home.once_later(4).returncode == 0
    assert [path.name for path in archive.glob("*/*.mp4")] == ["two.mp4"]
