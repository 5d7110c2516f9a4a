"""The values that everything else speaks about. Frozen, no I/O.

| word       | meaning                                                                     |
|------------|-----------------------------------------------------------------------------|
| `Item`     | one dropped thing that vlogd has accepted                                   |
| `Artifact` | what a step made: an immutable folder that carries its own `artifact.json`  |
| `Part`     | a piece of a step that is done, redone and counted by itself                |
| `Receipt`  | what a finished part left behind: its files and its facts                   |
| `View`     | what viewers may see of a step, finished or growing                         |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any
"""A value that JSON can hold. Facts and recipes are made of these, so they can cross machines."""


@dataclass(frozen=True)
class File:
    """A file that was dropped. `original` is its path relative to the originals folder: `<id>/<file name>`."""

    original: str


@dataclass(frozen=True)
class Link:
    """An address from which the film is downloaded."""

    url: str


@dataclass(frozen=True)
class Composition:
    """A film that is rendered from others; `edit` is the edit list as plain data, read by the stage that renders it."""

    edit: Mapping[str, Json]


Source = File | Link | Composition
"""Where the film of an item comes from."""


@dataclass(frozen=True)
class Item:
    """One accepted video.

    For a `File`, `digest` is the identity of its content (`digest.identity`) and `size_bytes` its size; for other sources
    they are the SHA-256 of the source as canonical JSON and 0. `accepted_at` is in seconds since the epoch.
    """

    id: str
    title: str
    slug: str
    inbox: str
    source: Source
    digest: str
    size_bytes: int
    accepted_at: float

    @property
    def original(self) -> str:
        """The path of a dropped file relative to the originals folder. Raises TypeError for an item without one."""
        if not isinstance(self.source, File):
            raise TypeError(f"{self.slug} was not dropped as a file")
        return self.source.original


@dataclass(frozen=True)
class FileMark:
    """Size and SHA-256 of one file that a part delivered."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Artifact:
    """A finished folder `<stage>-<fingerprint>`; `digest` covers the names and bytes of its files.

    `made_at` (seconds since the epoch) is when `artifact.json` appeared; it decides which of two
    earlier artifacts is the newer one and is no part of any recipe. A `private` one lies outside the public tree.
    """

    item_id: str
    stage: str
    fingerprint: str
    digest: str
    recipe: Mapping[str, Json]
    made_at: float = 0.0
    private: bool = False

    @property
    def folder(self) -> str:
        """The folder's name inside the item's folder."""
        return f"{self.stage}-{self.fingerprint}"


@dataclass(frozen=True)
class Part:
    """One piece of a step, as plain data.

    `order` says how far into the step it is: the scheduler runs everybody's order 0 before
    anybody's order 1, so a new drop is playable before an old film is finished. `weight` is its
    share of the step's work (for progress; seconds of media is a good unit). `resource` names the
    slots it takes: "cpu" or "speech". While a part that is `alone` runs, nothing else of any resource is
    started but parts of order 0 of its own step: it is what somebody is waiting for, and short. `library_bytes`,
    `state_bytes`: what it will write at most, roughly; it is not begun while there is no room for that.
    """

    name: str
    order: int = 0
    weight: float = 1.0
    resource: str = "cpu"
    alone: bool = False
    library_bytes: int = 0
    state_bytes: int = 0
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """Proof that a part is done: the files it delivered, and facts for the parts after it."""

    part: str
    files: Mapping[str, FileMark]
    facts: Mapping[str, Json]


@dataclass(frozen=True)
class View:
    """What a step shows, recomputed whenever one of its files arrives.

    `files`: small derived files of the step's own folder (playlists), written whole.
    `names`: the item's stable names, each with the bytes to put there or the name of a file in
    the step's folder to copy (bytes are UTF-8 text). `facts`: keys that this stage contributes to `video.json`.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    names: Mapping[str, bytes | str] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """A failed attempt at a part. `kind` is the error's class name; `at` in epoch seconds."""

    item_id: str
    stage: str
    fingerprint: str
    part: str
    kind: str
    sentence: str
    stderr: str
    at: float


@dataclass(frozen=True)
class LeftFile:
    """Something that lies in an inbox and was not taken."""

    path: str
    inbox: str
    why: str
    at: float


@dataclass(frozen=True)
class Verified:
    """An item whose published folder was found complete when it looked like `mark`, which the site computes.

    `ready_at` (epoch seconds) is when the item became ready, None when it is not.
    """

    item_id: str
    mark: str
    ready_at: float | None
