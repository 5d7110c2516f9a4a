"""The values that everything else works with. Frozen, no I/O.

| word       | meaning                                                                     |
|------------|-----------------------------------------------------------------------------|
| `Item`     | one dropped thing that vlogd has accepted                                   |
| `Artifact` | what a step made: an immutable folder that carries its own `artifact.json`  |
| `Part`     | a piece of a step that is done, redone and counted on its own               |
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
    """Size and SHA-256 (in hex) of one file that a part delivered."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Artifact:
    """A finished folder `<stage>-<fingerprint>`; `digest` covers the names and bytes of its files.

    `made_at` (seconds since the epoch) is when `artifact.json` appeared; it decides which of two
    earlier artifacts is the newer one and is not part of any recipe. A `private` one lies outside the public tree.
    `missing` are those of its files that are not there, or have another size; a whole artifact has none.
    """

    item_id: str
    stage: str
    fingerprint: str
    digest: str
    recipe: Mapping[str, Json]
    made_at: float = 0.0
    private: bool = False
    missing: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder's name inside the item's folder."""
        return f"{self.stage}-{self.fingerprint}"


@dataclass(frozen=True)
class Part:
    """One piece of a step, as plain data.

    `order` says how far into the step it is: the scheduler runs order 0 of every step before
    order 1 of any, so a new drop is playable before an old film is finished. `weight` is its
    share of the step's work (for progress; seconds of media is a good unit). `resource` names the
    slots it takes: "cpu" or "speech". While a part that is `alone` runs, only parts of order 0 of its own step are
    started, whatever their resource: somebody is waiting for it, and it is short. `library_bytes` and `state_bytes`
    are roughly the most that it writes; it is not started while there is no room for that. `memory_bytes` is roughly the
    most that its tools take: parts run at the same time only as far as their sum is allowed.
    """

    name: str
    order: int = 0
    weight: float = 1.0
    resource: str = "cpu"
    alone: bool = False
    library_bytes: int = 0
    state_bytes: int = 0
    memory_bytes: int = 256 << 20
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """Proof that a part is done: the files it delivered, and facts for the parts after it."""

    part: str
    files: Mapping[str, FileMark]
    facts: Mapping[str, Json]


@dataclass(frozen=True)
class View:
    """What viewers may see of a step, recomputed whenever one of its files arrives.

    `files`: small derived files of the step's own folder (playlists), by name, written whole.
    `names`: the item's stable names, each with its content (UTF-8 text) or the name of a file in
    the step's folder to copy. `facts`: keys that this stage contributes to `video.json`.
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
    """A path in an inbox that was not taken, and why, in a sentence; `at` in epoch seconds."""

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
