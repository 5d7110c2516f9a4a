"""From words to cues that can be read: at most two lines of 42 characters, one to seven seconds.

A cue ends at the end of a sentence or in a pause, is not shown through silence, and is shown for at least a second when
the next one leaves it the time. Times are those of the published stream, which begins at 0.

Characters, lines and the longest duration are those of Netflix's Timed Text Style Guide; its shortest is 5/6 s.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vlogd.media import webvtt as vtt_text

_LINE_CHARACTERS = 42
_CUE_CHARACTERS = 2 * _LINE_CHARACTERS
_LONGEST_SECONDS = 7.0
_SHORTEST_SECONDS = 1.0
_PAUSE_SECONDS = 0.7
"""A pause that is longer ends a cue: between two sentences people pause for about that long."""

_PARAGRAPH_SECONDS = 2.0
_LEAST_SECONDS = 0.05
"""Even where words have no length: the end of a cue has to be later than its start (W3C WebVTT)."""

_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")  # noqa: RUF001 - Chinese and Japanese sentences end in these


@dataclass(frozen=True)
class Word:
    """A spoken word, seconds from the start of the stream."""

    word: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Cue:
    """Some words that are shown together; seconds from the start of the stream."""

    start: float
    end: float
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words as one line."""
        return " ".join(word.word for word in self.words)


def read_words(path: Path) -> list[Word]:
    """The words that a window delivered."""
    return [Word(**word) for word in json.loads(path.read_bytes())]


def words_json(words: Sequence[Mapping[str, Any]]) -> bytes:
    """A window's words."""
    return json_bytes([asdict(Word(**word)) for word in words])


def json_bytes(value: Any) -> bytes:
    """JSON as it is delivered."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def cues(words: Sequence[Word]) -> list[Cue]:
    """The words as cues, in order, without overlap."""
    groups: list[list[Word]] = []
    for word in words:
        if not groups or _starts_cue(groups[-1], word):
            groups.append([])
        groups[-1].append(word)
    result = []
    for index, group in enumerate(groups):
        limit = groups[index + 1][0].start if index + 1 < len(groups) else float("inf")
        end = min(max(group[-1].end, group[0].start + _SHORTEST_SECONDS), limit)
        result.append(Cue(group[0].start, max(end, group[0].start + _LEAST_SECONDS), tuple(group)))
    return result


def _starts_cue(group: Sequence[Word], word: Word) -> bool:
    """Whether a word begins a new cue instead of joining the words of the last one."""
    characters = sum(len(w.word) + 1 for w in group) + len(word.word)
    return (
        word.start - group[-1].end > _PAUSE_SECONDS
        or characters > _CUE_CHARACTERS
        or word.end - group[0].start > _LONGEST_SECONDS
        or group[-1].word.endswith(_SENTENCE_ENDS)
    )


def vtt(captions: Sequence[Cue]) -> bytes:
    """captions.vtt: WebVTT that every player shows."""
    return _vtt((cue, _lines([vtt_text.escaped(word.word) for word in cue.words])) for cue in captions)


def words_vtt(captions: Sequence[Cue]) -> bytes:
    """words.vtt: the same cues with the time of each word inside the text (W3C WebVTT, cue timestamps)."""
    return _vtt(
        (
            cue,
            " ".join(
                (f"<{vtt_text.time(word.start)}>" if cue.start < word.start < cue.end else "")
                + vtt_text.escaped(word.word)
                for word in cue.words
            ),
        )
        for cue in captions
    )


def text(captions: Sequence[Cue]) -> bytes:
    """words.txt: plain text, a new paragraph after a pause of two seconds."""
    out = ""
    before: Cue | None = None
    for cue in captions:
        if before is not None:
            out += "\n\n" if cue.start - before.end > _PARAGRAPH_SECONDS else "\n"
        out += cue.text
        before = cue
    return (out + "\n").encode()


def _vtt(rows: Any) -> bytes:
    blocks = ["WEBVTT\n"]
    blocks += [f"{vtt_text.time(cue.start)} --> {vtt_text.time(cue.end)}\n{shown}\n" for cue, shown in rows]
    return "\n".join(blocks).encode()


def _lines(words: Sequence[str]) -> str:
    """The words on one line, or on two of about the same length."""
    whole = " ".join(words)
    if len(whole) <= _LINE_CHARACTERS or len(words) == 1:
        return whole
    breaks = [[" ".join(words[:n]), " ".join(words[n:])] for n in range(1, len(words))]
    return "\n".join(min(breaks, key=lambda lines: max(map(len, lines))))
