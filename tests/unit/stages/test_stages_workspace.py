"""The workspace: caches are made once, and nothing of a step stays behind."""

import threading
import time
from collections.abc import Sized
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stage_driver import LIMITS, item_of

from vlogd.core.settings import NoSettings
from vlogd.stages import workspace
from vlogd.stages.workspace import Workspace


def a_workspace(folder: Path) -> Workspace[NoSettings]:
    """A workspace whose folders lie in `folder`."""
    scratch = folder / f"scratch-{threading.get_ident()}"
    scratch.mkdir(parents=True)
    return Workspace(item_of(folder / "film"), folder / "film", {}, NoSettings(), {}, folder / "step", scratch,
                     folder / "cache", LIMITS, threading.Event())  # fmt: skip


def test_parts_that_ask_at_the_same_time_make_a_cached_file_once(tmp_path: Path) -> None:
    """The second part waits for the first and gets the whole file."""
    calls: list[Path] = []

    def make(path: Path) -> None:
        calls.append(path)
        with path.open("w") as file:
            file.write("half ")
            file.flush()
            time.sleep(0.05)
            file.write("whole")

    def ask(_number: int) -> str:
        ws = a_workspace(tmp_path)
        try:
            return ws.cached("speech.pcm", make).read_text()
        finally:
            ws.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == ["half whole"] * 4
    assert len(calls) == 1


def test_a_finished_step_leaves_nothing_in_memory(tmp_path: Path) -> None:
    """No table of locks grows with the number of videos."""

    def held() -> int:
        return sum(len(value) for value in vars(workspace).values() if isinstance(value, Sized))

    before = held()
    for number in range(20):
        ws = a_workspace(tmp_path / str(number))
        ws.cached("remux.mp4", lambda path: path.touch())
        ws.close()
    assert held() == before
