"""Whatever happened before, in whatever order: at rest the library is what an undisturbed run makes."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import ARTIFACT, Crash, Engine, published
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from toy_stages import ToySettings, pipeline

from vlogd.core import files

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - thousands of syncs: not on a disk
STAGES = ("first", "left", "right", "last")


class History(RuleBasedStateMachine):
    """Drops, runs, crashes, changed settings and versions, deleted outputs, lost journals."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="vlogd-history-", dir=MEMORY))
        self.settings: dict[str, Any] = {name: ToySettings() for name in STAGES}
        self.versions: dict[str, int] = {}
        self.drops: dict[str, str] = {}
        self.job_seconds = 0.0
        self.engine = self._start(self.home)

    def _start(self, home: Path) -> Engine:
        return Engine(home, pipeline(**self.versions), self.settings, self.job_seconds)

    def _restart(self) -> None:
        self.engine.close()
        shutil.rmtree(self.home / "state/scratch", ignore_errors=True)
        self.engine = self._start(self.home)

    @rule(text=st.text("abc", min_size=1, max_size=3))
    def drop(self, text: str) -> None:
        item_id = f"{len(self.drops):04d}"
        self.drops[item_id] = text
        self.engine.drop(item_id, text)

    @rule(jobs=st.integers(1, 12))
    def work_a_little(self, jobs: int) -> None:
        self.engine.run(jobs)

    @rule(jobs=st.integers(0, 12))
    def crash_between_jobs(self, jobs: int) -> None:
        self.engine.run(jobs)
        self._restart()

    @rule(writes=st.integers(0, 25))
    def crash_at_a_write(self, writes: int) -> None:
        """The machine dies just before a file is put in place."""
        left = writes
        place = Path.replace

        def dying(path: Path, target: Path) -> Path:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return place(path, target)

        Path.replace = dying  # type: ignore[method-assign, assignment]
        try:
            self.engine.run()
        except Crash:
            pass
        finally:
            Path.replace = place  # type: ignore[method-assign]
        self._restart()

    @rule(stage=st.sampled_from(STAGES), word=st.sampled_from("ab"), parts=st.integers(1, 4))
    def change_a_setting(self, stage: str, word: str, parts: int) -> None:
        self.settings[stage] = replace(self.settings[stage], word=word, parts=parts)
        self._restart()

    @rule(stage=st.sampled_from(STAGES), version=st.integers(1, 3))
    def change_a_version(self, stage: str, version: int) -> None:
        self.versions[stage] = version
        self._restart()

    @rule(data=st.data())
    def delete_an_output(self, data: st.DataObject) -> None:
        there = sorted(p for p in (self.home / "library").rglob("*") if p.is_file())
        if there:
            data.draw(st.sampled_from(there)).unlink()
            self._restart()

    @rule()
    def lose_the_journal(self) -> None:
        self.engine.close()
        for path in (self.home / "state").glob("journal*"):
            path.unlink()
        self.engine = self._start(self.home)

    @rule(seconds=st.sampled_from([0.0, 0.4, 3.0]))
    def change_the_pace(self, seconds: float) -> None:
        """Jobs take longer or shorter than viewers wait for news."""
        self.job_seconds = self.engine.job_seconds = seconds

    @rule()
    def come_to_rest(self) -> None:
        """Run to the end, look at everything once more, and compare with an undisturbed library."""
        self.engine.run()
        with tempfile.TemporaryDirectory(dir=MEMORY) as other:
            undisturbed = self._start(Path(other))
            for item_id, text in self.drops.items():
                undisturbed.drop(item_id, text)
            undisturbed.run()
            undisturbed.close()
            expected = published(Path(other) / "library")
        assert self._current() == expected
        self._restart()
        self.engine.run()
        assert self._current() == expected
        assert self.engine.run() == 0

    def _current(self) -> dict[str, bytes]:
        """What is published, without leftovers of crashes that the next sweep takes."""
        for path in list((self.home / "library").rglob(f"{files.TEMPORARY_PREFIX}*")):
            path.unlink()
        return published(self.home / "library")

    @invariant()
    def an_artifact_is_whole(self) -> None:
        """A step folder with artifact.json has every file that it names, unless a test deleted one."""
        if not hasattr(self, "home"):
            return
        for path in (self.home / "library").rglob(ARTIFACT):
            assert files.read_json(path)["format"] == 1

    def teardown(self) -> None:
        if hasattr(self, "home"):
            self.engine.close()
            shutil.rmtree(self.home)


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=150,
    stateful_step_count=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
