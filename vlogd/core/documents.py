"""The JSON files that vlogd writes and reads back, each with a format number and a typed class.

- `format` says which version of the format a file has. Files written before there were numbers have none; they are 1.
- A file of an earlier format is upgraded while it is read. A newer one raises NewerFormat: this vlogd
  may not understand it, and writing it back would lose what the newer one put there.
- Keys that this version doesn't know never make a file unreadable, and are kept when it is written again.
- A file that cannot be read raises OSError as it is: only FileNotFoundError means "not there".

Declare a format once, beside its class:

    VOLUME = DocumentFormat.of("the volume's mark", Volume)
    document = VOLUME.read(path)
    VOLUME.write(path, replace(document.value, name="archive"), unknown=document.unknown)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from vlogd.core import files, typed_json
from vlogd.core.errors import Malformed, NewerFormat

T = TypeVar("T")

_KEY = "format"

_LIMIT_BYTES = 16 << 20
"""The most that is read of a document: eight times the `artifact.json` of a film of three hours (2 MiB)."""


@dataclass(frozen=True)
class Document(Generic[T]):
    """What a file holds: its value, and the keys that this version of vlogd doesn't know."""

    value: T
    unknown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DocumentFormat(Generic[T]):
    """How one kind of document is read and written.

    `name` is what an error message calls it ("the item"). `parse` raises ValueError, KeyError or TypeError for an object
    that does not fit; `serialise` returns the object, without its format. Upgrade N turns an object of format N + 1
    into one of format N + 2, so their number determines the current format. `limit_bytes` bounds what is read. `advice`
    advises people what to do about a file that cannot be understood, in a sentence.
    """

    name: str
    parse: Callable[[Mapping[str, Any]], T]
    serialise: Callable[[T], Mapping[str, Any]]
    upgrades: Sequence[Callable[[dict[str, Any]], dict[str, Any]]] = ()
    limit_bytes: int = _LIMIT_BYTES
    advice: str = ""

    @classmethod
    def of(cls, name: str, value_type: type[T], **more: Any) -> "DocumentFormat[T]":
        """The format of a dataclass whose fields are the document's keys."""
        return cls(name, partial(typed_json.parse, value_type), typed_json.serialise, **more)

    @property
    def current(self) -> int:
        """The number of the format that is written."""
        return 1 + len(self.upgrades)

    def read(self, path: Path) -> Document[T]:
        """The document in `path`. Raises OSError, Malformed and NewerFormat."""
        with path.open("rb") as file:
            data = file.read(self.limit_bytes + 1)
        return self.decode(data, path)

    def write(self, path: Path, value: T, unknown: Mapping[str, Any] | None = None) -> None:
        """Replace `path` whole or not at all. `unknown` are the keys to keep of the document that was read."""
        files.write_whole(path, self.encode(value, unknown))

    def encode(self, value: T, unknown: Mapping[str, Any] | None = None) -> bytes:
        """The document's bytes: its format first, then its keys, then those to keep."""
        known = {_KEY: self.current, **self.serialise(value)}
        return files.json_bytes(
            known | {key: kept for key, kept in (unknown or {}).items() if key not in known}
        )

    def decode(self, data: bytes, path: Path) -> Document[T]:
        """A document from its bytes; `path` is named in errors. Raises Malformed and NewerFormat."""
        if len(data) > self.limit_bytes:
            raise self._malformed(path, f"it has more than {self.limit_bytes} bytes")
        try:
            content = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._malformed(path, f"it is not JSON ({error})") from error
        if not isinstance(content, dict):
            raise self._malformed(path, "it is not a JSON object")
        return self._document(self._upgraded(content, path), path)

    def _upgraded(self, content: dict[str, Any], path: Path) -> dict[str, Any]:
        number = content.pop(_KEY, 1)
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise self._malformed(path, f"`{_KEY}` is not a whole number from 1 on")
        if number > self.current:
            raise NewerFormat(
                f"{path} ({self.name}) has format {number} and this vlogd knows formats up to {self.current}; "
                "install a newer vlogd."
            )
        try:
            for upgrade in self.upgrades[number - 1 :]:
                content = upgrade(content)
        except (ValueError, KeyError, TypeError) as error:
            raise self._malformed(path, str(error)) from error
        return content

    def _document(self, content: Mapping[str, Any], path: Path) -> Document[T]:
        try:
            value = self.parse(content)
            known = self.serialise(value)
        except KeyError as error:
            raise self._malformed(path, f"`{error.args[0]}` is missing") from error
        except (ValueError, TypeError) as error:
            raise self._malformed(path, str(error)) from error
        return Document(value, {key: kept for key, kept in content.items() if key not in known})

    def _malformed(self, path: Path, why: str) -> Malformed:
        return Malformed(f"{path} cannot be understood as {self.name}: {why}. {self.advice}".rstrip())
