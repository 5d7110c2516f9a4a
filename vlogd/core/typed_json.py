"""JSON values into frozen dataclasses and back, following the classes' annotations.

Small on purpose: it knows the types that vlogd's documents and facts are made of (dataclasses, str, int,
float, bool, None, Literal, unions of these, tuples, sequences and mappings with string keys). Unknown keys of an
object are ignored here; `core.documents` keeps those of a whole document.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeVar

T = TypeVar("T")


class Mismatch(ValueError):
    """A JSON value does not fit its type. The message names the key and what was expected there."""


def parse(cls: type[T], value: Any, key: str = "") -> T:
    """`value` (as `json.loads` returns it) as an instance of `cls`. Raises Mismatch.

    `key` is the value's place in the document ("files.0.size_bytes"), for the message.
    """
    return typing.cast(T, _parse(cls, value, key))


def serialise(value: Any) -> Any:
    """A value made of dataclasses, mappings and sequences as plain JSON data, keys in the order of the fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: serialise(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): serialise(inner) for name, inner in value.items()}
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Collection) and not isinstance(value, str):
        return [serialise(inner) for inner in value]
    return value


def _parse(expected: Any, value: Any, key: str) -> Any:
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if dataclasses.is_dataclass(expected):
        return _object(expected, value, key)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments, value, key)
    if origin is typing.Literal:
        return _literal(arguments, value, key)
    if origin is not None:
        return _container(origin, arguments, value, key)
    return value if expected is Any else _scalar(expected, value, key)


def _object(cls: Any, value: Any, key: str) -> Any:
    _require(isinstance(value, dict), key, "an object")
    types_of_fields = _hints(cls)
    arguments = {}
    for field in dataclasses.fields(cls):
        inside = f"{key}.{field.name}".lstrip(".")
        if field.name in value:
            arguments[field.name] = _parse(types_of_fields[field.name], value[field.name], inside)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise Mismatch(f"{_named(inside)} is missing")
    return cls(**arguments)


def _union(choices: Sequence[Any], value: Any, key: str) -> Any:
    for choice in choices:
        try:
            return _parse(choice, value, key)
        except Mismatch as error:
            mismatch = error
    raise mismatch


def _literal(choices: Sequence[Any], value: Any, key: str) -> Any:
    if value in choices:
        return value
    raise Mismatch(f"{_named(key)} is none of {', '.join(map(str, choices))}")


def _container(origin: Any, arguments: Sequence[Any], value: Any, key: str) -> Any:
    if issubclass(origin, Mapping):
        _require(isinstance(value, dict), key, "an object")
        return {name: _parse(arguments[1], inner, f"{key}.{name}") for name, inner in value.items()}
    return _sequence(origin, arguments, value, key)


def _sequence(origin: Any, arguments: Sequence[Any], value: Any, key: str) -> Any:
    _require(isinstance(value, list), key, "a list")
    if origin is tuple and arguments[-1] is not Ellipsis:
        _require(len(value) == len(arguments), key, f"a list of {len(arguments)} values")
        expected: Sequence[Any] = arguments
    else:
        expected = [arguments[0]] * len(value)
    items = [
        _parse(inner, item, f"{key}.{index}")
        for index, (inner, item) in enumerate(zip(expected, value, strict=True))
    ]
    return items if origin is list else tuple(items)


def _scalar(expected: Any, value: Any, key: str) -> Any:
    if expected is None or expected is types.NoneType:
        _require(value is None, key, "null")
        return None
    if expected is float:  # json.loads gives an int for a number without a fraction
        _require(isinstance(value, int | float) and not isinstance(value, bool), key, "a number")
        try:
            return float(value)
        except OverflowError as error:  # a whole number of more than 308 digits
            raise Mismatch(f"{_named(key)} is too large") from error
    names = {str: "a string", int: "a whole number", bool: "true or false"}
    if expected not in names:
        raise TypeError(f"{expected} is not a type that JSON documents are made of")
    _require(
        isinstance(value, expected) and (expected is bool or not isinstance(value, bool)),
        key,
        names[expected],
    )
    return value


def _require(condition: bool, key: str, what: str) -> None:  # noqa: FBT001 - reads like assert
    if not condition:
        raise Mismatch(f"{_named(key)} is not {what}")


def _named(key: str) -> str:
    return f"`{key}`" if key else "the document"


@functools.cache
def _hints(cls: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(cls)
