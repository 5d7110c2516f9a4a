"""Facts: the results of a finished part, for the parts after it and for the view.

Facts are a frozen dataclass while the program runs, and JSON inside the part's receipt. Each kind of part has its own
class in the stage's own file. A field that has a default is left out of the JSON while it holds that default, so that
a class may gain fields and receipts that were written before are still read; keys that a class doesn't know are
ignored. `core/typed_json.py` lists the types that a field may have.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from vlogd.core import typed_json
from vlogd.core.model import Json, Receipt


class Facts(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True)
class NoFacts:
    """For a part with no results but its files."""


F = TypeVar("F", bound=Facts)


def to_json(facts: Facts) -> dict[str, Json]:
    """The facts as a receipt holds them: plain dictionaries, lists and scalars."""
    return {
        spec.name: typed_json.serialise(value)
        for spec in dataclasses.fields(facts)
        if (value := getattr(facts, spec.name)) != _default(spec)
    }


def of_part(receipts: Mapping[str, Receipt], part: str, kind: type[F]) -> F:
    """The facts of a finished part. Raises KeyError when it has no receipt, ValueError when it does not match."""
    return typed_json.parse(kind, receipts[part].facts)


def _default(spec: "dataclasses.Field[Any]") -> Any:
    return spec.default_factory() if spec.default_factory is not MISSING else spec.default
