"""Whoever drops any number of files that are no videos, and keeps them from leaving for `_failed`, holds up nobody else."""

import json
import queue
from pathlib import Path
from typing import Any

import pytest
from clips import stamped
from daemon import until
from taking import intake_into, seen

from vlogd.ingest import waiting_claims
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.ingestor import Ingestor
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Accepted, Failed, InboxProblem, Notice, NotTaken
from vlogd.media import ffprobe


def test_what_was_refused_is_not_probed_again_after_a_restart(
    inbox: Inbox, intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Probing 10,000 of them took three quarters of an hour at each start; the sentence and the log lose nothing."""
    failed, path = inbox.folder / "_failed", inbox.folder / "letter.mp4"
    failed.symlink_to(tmp_path)
    path.write_text("dear")
    waiting = intake.take(path, inbox, seen(path))
    assert isinstance(waiting, NotTaken)
    monkeypatch.setattr(ffprobe, "describe", lambda *_: pytest.fail("it was probed again"))
    originals = tmp_path / "originals"
    assert list(intake_into(originals, tmp_path).resume({"main": inbox})) == [waiting]
    failed.unlink()
    (outcome,) = intake_into(originals, tmp_path).resume({"main": inbox})
    assert isinstance(outcome, Failed)
    assert outcome.moved_to.read_text() == "dear"
    assert outcome.sentence in Path(f"{outcome.moved_to}.txt").read_text()
    assert "Invalid data" in outcome.tool_output
    assert list((originals / ".incoming").iterdir()) == []


@pytest.mark.parametrize("damage", ["none", "not JSON", "newer"])
def test_the_note_of_a_refused_file(
    damage: str, inbox: Inbox, intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys of a newer version stay in it, and so does all of a newer format; a damaged one is written anew."""
    (inbox.folder / "_failed").symlink_to(tmp_path)
    path, describe = inbox.folder / "letter.mp4", ffprobe.describe
    path.write_text("dear")
    noted = {}

    def damaging(file: Path, *arguments: Any) -> Any:
        note = file.parent / ".vlogd-claim.json"
        content = json.loads(note.read_text()) | {"colour": "red"}
        if damage == "newer":
            content["format"] = 99
        note.write_text("{" if damage == "not JSON" else json.dumps(content))
        noted.update(content)
        del noted["refused"], noted["tool_output"]
        return describe(file, *arguments)

    monkeypatch.setattr(ffprobe, "describe", damaging)
    waiting = intake.take(path, inbox, seen(path))
    assert isinstance(waiting, NotTaken)
    kept = json.loads((waiting.path.parent / ".vlogd-claim.json").read_text())
    assert bool(kept["refused"]) == (damage != "newer")
    assert kept["path"] == str(path)
    if damage != "not JSON":
        assert kept | noted == kept


def test_too_many_files_of_an_inbox_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then no more of it are taken, with a sentence, until some are gone; the other inbox goes on."""
    monkeypatch.setattr(waiting_claims, "_MOST_OF_AN_INBOX", 3)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    failed = folders[0] / "_failed"
    failed.symlink_to(tmp_path)
    for number in range(6):
        (folders[0] / f"{number}.mp4").write_text(f"dear {number}")
    notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    rules = [Inbox(folder.name, folder, "polling", 0.05, 0.2) for folder in folders]
    ingestor = Ingestor(rules, intake_into(tmp_path / "originals", tmp_path), notices.put)
    ingestor.start()
    told = list[Notice]()
    try:
        while InboxProblem("first: taking", waiting_claims.TOO_MANY) not in told:
            told.append(notices.get(timeout=60))
        stamped(tmp_path / "film.mp4", seconds=1).rename(folders[1] / "film.mp4")
        while not any(isinstance(notice, Accepted) for notice in told):
            told.append(notices.get(timeout=60))
        assert len(list(folders[0].glob("*.mp4"))) == 3
        failed.unlink()
        until(lambda: len(list(failed.glob("*.mp4"))) == 6, 60)
    finally:
        ingestor.stop()
    assert sum(isinstance(notice, NotTaken) for notice in told) == 3
