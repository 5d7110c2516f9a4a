"""kill -9 anywhere: nothing is lost or done twice, and the library comes out byte for byte the same."""

import re
import shutil
from pathlib import Path

import pytest
from clips import stamped
from crashes import Lab
from daemon import DEMO, Home, children, kill, same_trees, tree, until


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that an undisturbed run makes of the demo clip."""
    home = Home(tmp_path_factory.mktemp("undisturbed"))
    shutil.copy(DEMO, home.inbox / "demo.mp4")
    assert home.once().returncode == 0
    return home.library


def test_killed_in_the_middle_of_the_ladder(undisturbed: Path, tmp_path: Path) -> None:
    """Finished chunks are not encoded again after a kill -9, and the result is the same."""
    home = Home(tmp_path)
    shutil.copy(DEMO, home.inbox / "demo.mp4")
    daemon = home.start()
    until(lambda: re.search(r"part.done .*part=video-0002", home.logged()))
    ours = children(daemon.pid)
    kill(daemon)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ours), 10)
    done = set(re.findall(r"part.done .*stage=hls part=(\S+)", home.logged()))
    again = home.once()
    assert again.returncode == 0
    assert not done & set(re.findall(r"part.started .*stage=hls part=(\S+)", again.stderr))
    same_trees(tree(home.library), tree(undisturbed))


@pytest.mark.parametrize("moment", range(2))
def test_killed_while_the_source_is_copied(moment: int, tmp_path: Path) -> None:
    """With a copied top rendition a kill ends in the same library too."""
    trees = []
    for name, lines in (("undisturbed", 0), ("killed", 14 + 5 * moment)):
        home = Home(tmp_path / name)
        home.config.write_text(home.config.read_text().replace("copy: never", "copy: auto"))
        shutil.copy(DEMO, home.inbox / "demo.mp4")
        if lines:
            daemon = home.start()
            until(lambda home=home, lines=lines: home.logged().count("\n") >= lines)
            kill(daemon)
        assert home.once().returncode == 0
        trees.append(tree(home.library))
    assert any("v720-copy" in path for path in trees[0])
    same_trees(trees[1], trees[0])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again(seed: int, tmp_path: Path) -> None:
    """The daemon, its ffmpegs or the transcriber die at random moments: `scripts/crashes` does it 500 times."""
    lab = Lab(tmp_path, seed)
    while lab.killed.total() < 13:
        lab.history()


def test_a_lost_journal_costs_no_encode(tmp_path: Path) -> None:
    """Without its journal vlogd finds items and artifacts again and runs no part."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=3)
    assert home.once().returncode == 0
    before = tree(home.library)
    for path in (home.folder / "state").glob("journal*"):
        path.unlink()
    again = home.once()
    assert again.returncode == 0
    assert "part.started" not in again.stderr
    same_trees(tree(home.library), before)


def test_a_deleted_segment_is_made_again_alone(tmp_path: Path) -> None:
    """When somebody deletes a segment, only the chunk that holds it is encoded again."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=12)
    assert home.once().returncode == 0
    before = tree(home.library)
    (segment,) = home.library.glob("videos/*/hls-*/v108/00004.m4s")
    segment.unlink()
    again = home.once()
    assert re.findall(r"part.started .*part=(\S+)", again.stderr) == ["video-0003"]
    same_trees(tree(home.library), before)


def test_a_crash_right_after_the_commit_leaves_no_receipts(tmp_path: Path) -> None:
    """Receipts that a crash left beside a finished artifact are gone after the next start."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=3)
    assert home.once().returncode == 0
    before = tree(home.library)
    for artifact in home.library.glob("videos/*/*/artifact.json"):
        shutil.copytree(artifact.parent, artifact.parent / "parts")
    assert home.once().returncode == 0
    same_trees(tree(home.library), before)
