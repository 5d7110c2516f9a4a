"""Facts: what a finished part found out, for the parts after it and for the view.

Facts are a frozen dataclass while the program runs, and JSON inside the part's receipt. Each kind of part has
its own class in the stage's own file. A field that has a default is left out of the JSON while it holds that
default, so a class may gain fields and receipts that were written before are still read. Keys that a class does
not know are ignored. Fields may hold str, int, float, bool, None, other dataclasses, `tuple[X, ...]` and
`dict[str, X]`.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar, get_args, get_origin, get_type_hints

from vlogd.core.model import Json, Receipt


class Facts(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True)
class NoFacts:
    """For a part of which nothing is to be known but its files."""


F = TypeVar("F", bound=Facts)
_Parse = Callable[[Any], Any]


def to_json(facts: Facts) -> dict[str, Json]:
    """The facts as a receipt holds them: plain dictionaries, lists and scalars."""
    values = {spec.name: (spec, getattr(facts, spec.name)) for spec in dataclasses.fields(facts)}
    return {name: _plain(value) for name, (spec, value) in values.items() if not _is_default(spec, value)}


def parse(kind: type[F], values: Mapping[str, Json]) -> F:
    """The facts of a receipt as a `kind`. Raises ValueError when a field without a default is missing."""
    known = {}
    for name, (parse_field, required) in _parsers(kind).items():
        if name in values:
            known[name] = parse_field(values[name])
        elif required:
            raise ValueError(f"the receipt has no {name!r}, which {kind.__name__} needs")
    return kind(**known)


def of_part(receipts: Mapping[str, Receipt], part: str, kind: type[F]) -> F:
    """The facts of a finished part. Raises KeyError when its receipt is not there."""
    return parse(kind, receipts[part].facts)


def _is_default(spec: "dataclasses.Field[Any]", value: Any) -> bool:
    default = spec.default_factory() if spec.default_factory is not MISSING else spec.default
    return bool(value == default)


def _plain(value: Any) -> Json:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_json(value)
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(element) for key, element in value.items()}
    return value


@cache
def _parsers(kind: type[Any]) -> Mapping[str, tuple[_Parse, bool]]:
    """For each field, how its JSON becomes its value, and whether it must be there."""
    hints = get_type_hints(kind)
    return {
        spec.name: (
            _parser(hints[spec.name]),
            spec.default is MISSING and spec.default_factory is MISSING,
        )
        for spec in dataclasses.fields(kind)
    }


def _parser(hint: Any) -> _Parse:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return lambda value: parse(hint, value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _sequence(_parser(arguments[0]))
    if origin is dict:
        element = _parser(arguments[1])
        return lambda value: {key: element(inner) for key, inner in value.items()}
    if origin is types.UnionType:
        (inner,) = {_parser(argument) for argument in arguments if argument is not types.NoneType}
        return lambda value: None if value is None else inner(value)
    return _same


def _sequence(element: _Parse) -> _Parse:
    """Numbers and words need no call each: a film's key frames are thousands."""
    return tuple if element is _same else lambda value: tuple(map(element, value))


def _same(value: Any) -> Any:
    return value
