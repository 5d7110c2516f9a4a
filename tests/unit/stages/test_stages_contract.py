"""Small complete stages, each for one point of the contract, run by the real engine. Copy one to begin your own."""

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engine import Engine

from vlogd.core.model import Part, View
from vlogd.core.settings import NoSettings, PositiveInt, settings
from vlogd.stages.contract import Stage, Work, check
from vlogd.stages.facts import NoFacts
from vlogd.stages.workspace import Workspace

# Typed settings and facts: how many words has the film, and one file for each of the first ones?


@settings
class WordsSettings:
    """The most words that get a file of their own."""

    most_words: PositiveInt = 2


@dataclass(frozen=True)
class CountFacts:
    """What the part `count` found."""

    words: tuple[str, ...]


def words_parts(work: Work[WordsSettings]) -> Sequence[Part]:
    """One part that counts, then one for each word."""
    if "count" not in work.receipts:
        return (Part("count"),)
    words = work.facts("count", CountFacts).words[: work.settings.most_words]
    return (Part("count"), *(Part(f"word-{n}", order=1, data={"word": w}) for n, w in enumerate(words)))


def words_run(part: Part, ws: Workspace[WordsSettings]) -> CountFacts | NoFacts:
    """Read the film, or write one word below a folder of stable names."""
    if part.name == "count":
        return CountFacts(tuple(ws.film.read_text().split()))
    ws.deliver_bytes(part.data["word"].encode(), f"words/{part.name}.txt")
    return NoFacts()


def words_view(work: Work[WordsSettings], have: Set[str]) -> View:
    """The finished words at stable names in a folder, and a key of `video.json`."""
    if not work.complete:
        return View()
    total = len(work.facts("count", CountFacts).words)
    return View(names={name: name for name in have if name.startswith("words/")}, facts={"words": total})


WORDS = Stage("words", 1, words_parts, words_run, settings=WordsSettings, view=words_view)


def run(home: Path, text: str, *stages: Stage[Any], **settings_of: Any) -> Path:
    """Drop one film that holds `text` and work until it is ready; its public folder."""
    engine = Engine(home, check(*stages), {stage.name: stage.settings() for stage in stages} | settings_of)
    engine.drop("0001", text)
    engine.run()
    engine.close()
    return engine.root / "videos" / "film-0001"


def test_facts_and_settings_are_typed_and_stable_names_may_be_paths(tmp_path: Path) -> None:
    """Later parts follow from what the first one found; viewers get files in a folder."""
    home = run(tmp_path, "one two three", WORDS, words=WordsSettings(most_words=2))
    assert (home / "words/word-0.txt").read_text() == "one"
    assert (home / "words/word-1.txt").read_text() == "two"
    assert not (home / "words/word-2.txt").exists()
    document = json.loads((home / "video.json").read_text())
    assert document["words"] == 3
    assert {"words/word-0.txt", "words/word-1.txt"} <= set(document["files"])


# A stage that makes no sense for some items and whose artifact is private, and one that needs it where it is there.


def shout_run(_part: Part, ws: Workspace[NoSettings]) -> NoFacts:
    """The film in capitals."""
    ws.deliver_bytes(ws.film.read_text().upper().encode(), "shout.txt")
    return NoFacts()


def echo_run(_part: Part, ws: Workspace[NoSettings]) -> NoFacts:
    """What `shout` made, else the film."""
    text = ws.inputs["shout"] / "shout.txt" if "shout" in ws.inputs else ws.film
    ws.deliver_bytes(text.read_bytes(), "echo.txt")
    return NoFacts()


def echo_view(work: Work[NoSettings], _have: Set[str]) -> View:
    """The finished file."""
    return View(names={"echo.txt": "echo.txt"}) if work.complete else View()


SHOUT = Stage(
    "shout",
    1,
    lambda _work: (Part("shout"),),
    shout_run,
    applies=lambda item: item.title != "quiet",
    private=True,
)
ECHO = Stage("echo", 1, lambda _work: (Part("echo"),), echo_run, needs=("shout",), view=echo_view)


@pytest.mark.parametrize(
    ("text", "echo", "stages"), [("loud", "LOUD", {"shout", "echo"}), ("quiet", "quiet", {"echo"})]
)
def test_a_stage_that_does_not_apply_is_not_part_of_the_pipeline(
    text: str, echo: str, stages: set[str], tmp_path: Path
) -> None:
    """Nobody waits for it, no report names it, and no recipe has it as an input."""
    home = run(tmp_path, text, SHOUT, ECHO)
    assert (home / "echo.txt").read_text() == echo
    assert set(json.loads((home / "video.json").read_text())["stages"]) == stages
    assert not list(home.rglob("shout.txt")), "private artifacts are not public"
    (artifact,) = home.glob("echo-*/artifact.json")
    assert set(json.loads(artifact.read_text())["recipe"]["inputs"]) == stages - {"echo"}
