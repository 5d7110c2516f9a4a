"""Small complete stages, each for one point of the contract, run by the real engine. Copy one to begin your own."""

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import Engine

from vlogd.core.model import Part, View
from vlogd.core.settings import PositiveInt, settings
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
