"""How a stage declares its settings: a frozen dataclass with bounds in its types.

Declaring them needs no validation library. `config.py` hands these classes to pydantic, which reads the same
annotations, so that a stage's file alone decides what its section of the configuration may hold. What each key means
is described in `config.example.yaml`, which a test keeps complete.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, dataclass_transform

from annotated_types import Ge, Gt, Interval

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
PositiveSeconds = Annotated[float, Gt(0)]
NonNegativeSeconds = Annotated[float, Ge(0)]
NonNegativeDays = Annotated[float, Interval(ge=0)]
Crf = Annotated[int, Interval(ge=0, le=51)]

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(cls: type[_T]) -> type[_T]:
    """Turn `cls` into a frozen, keyword-only dataclass; in a configuration, unknown keys are refused.

    `__pydantic_config__` is what pydantic reads from a standard dataclass
    (pydantic docs, "Dataclasses", "Dataclass config").
    """
    decorated: Any = dataclass(frozen=True, kw_only=True)(cls)
    decorated.__pydantic_config__ = {"extra": "forbid"}
    return decorated  # type: ignore[no-any-return]  # dataclass() gives back the class it was given


@settings
class NoSettings:
    """For a stage without settings."""
