"""The configuration: one YAML file, validated whole.

pydantic and pyyaml are imported here only. A stage's section is made from the settings class in the
stage's own file; an inbox may override any of it. Every problem is reported at once, each as a
sentence with the path of its key.
"""

import dataclasses
import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pydantic
import yaml
from pydantic import Field

from vlogd.core.errors import ConfigError
from vlogd.core.settings import (
    NonNegativeDays,
    NonNegativeInt,
    NonNegativeSeconds,
    PositiveInt,
    PositiveSeconds,
    settings,
)
from vlogd.engine.retry import Retry
from vlogd.ingest.inbox import Inbox, Watch
from vlogd.media.process import Limits
from vlogd.stages.pipeline import STAGES
from vlogd.storage.retention import Keeping, Policy

_DAY_SECONDS = 86400.0


@settings
class InboxSection:
    """`inboxes.<name>`: a watched folder; `stages` overrides the settings of stages for it."""

    folder: Path
    watch: Watch = "auto"
    settle_seconds: NonNegativeSeconds = 5.0
    rescan_seconds: PositiveSeconds = 60.0
    stages: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)


@settings
class SlotsSection:
    """`slots`: how many parts run at once. `cpu` 0 means one for each processor core."""

    cpu: NonNegativeInt = 0
    speech: PositiveInt = 1


@settings
class RetrySection:
    """`retry`: how often and how soon a failed part is tried again."""

    attempts: PositiveInt = 3
    first_wait_seconds: PositiveSeconds = 2.0
    longest_wait_seconds: PositiveSeconds = 300.0
    unavailable_wait_seconds: PositiveSeconds = 60.0


@settings
class LimitsSection:
    """`limits`: what ffmpeg and the transcriber may use. `memory_mebibytes` 0 means no bound."""

    memory_mebibytes: NonNegativeInt = 8192
    stall_seconds: PositiveSeconds = 300.0
    niceness: Annotated[int, Field(ge=0, le=19)] = 10


@settings
class KeepingSection:
    """`keeping`: how long what is not needed any more is kept. Days; `failed_days` 0 means for ever."""

    originals: Policy = "keep"
    originals_days: NonNegativeDays = 30.0
    archive: Path | None = None
    trash_days: NonNegativeDays = 30.0
    failed_days: NonNegativeDays = 0.0


@settings
class Sections:
    """The whole file."""

    state: Path
    originals: Path
    library: Path
    inboxes: Annotated[dict[str, InboxSection], Field(min_length=1)]
    stages: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    slots: SlotsSection = dataclasses.field(default_factory=SlotsSection)
    retry: RetrySection = dataclasses.field(default_factory=RetrySection)
    limits: LimitsSection = dataclasses.field(default_factory=LimitsSection)
    keeping: KeepingSection = dataclasses.field(default_factory=KeepingSection)
    reserve_mebibytes: NonNegativeInt = 1024
    sweep_after_seconds: NonNegativeSeconds = 3600.0
    library_check_seconds: PositiveSeconds = 3600.0


@dataclasses.dataclass(frozen=True)
class Config:
    """A valid configuration, paths absolute. `stages` maps an inbox's name to its stages' settings."""

    path: Path
    state: Path
    originals: Path
    library: Path
    inboxes: tuple[Inbox, ...]
    stages: Mapping[str, Mapping[str, Any]]
    default_stages: Mapping[str, Any]
    slots: Mapping[str, int]
    retry: Retry
    limits: Limits
    keeping: Keeping
    reserve_bytes: int
    sweep_after_seconds: float
    library_check_seconds: float

    def stage_settings(self, inbox: str) -> Mapping[str, Any]:
        """The stages' settings for items of `inbox`; the defaults if it is not configured any more."""
        return self.stages.get(inbox, self.default_stages)


def load(path: Path) -> Config:
    """Read and check `path`. Raises ConfigError with all problems."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            [f"{path} cannot be read: {error.strerror}. `vlogd init DIR` makes a new one."]
        ) from error
    except Exception as error:  # yaml's constructors raise a dozen kinds, for a date in month 13 a ValueError
        raise ConfigError([f"{path} is not valid YAML: {_one_line(str(error))}."]) from error
    if not isinstance(value, dict):
        raise ConfigError([f"{path} is empty or no mapping; config.example.yaml shows what it may hold."])
    problems: list[str] = []
    try:
        sections = pydantic.TypeAdapter(Sections).validate_python(value)
        problems += _unusable_paths(sections)
        if problems:
            raise ConfigError(problems)
    except pydantic.ValidationError as error:
        problems += _sentences(error, ())
        problems += _stage_problems(value)
        raise ConfigError(problems) from error
    config = _config(path, sections, problems)
    problems += _folder_problems(config)
    if problems:
        raise ConfigError(problems)
    return config


def _unusable_paths(sections: Sections) -> Iterator[str]:
    """Paths that name nothing: `~nobody/x`, or one with a zero byte."""
    named = {"state": sections.state, "originals": sections.originals, "library": sections.library}
    if sections.keeping.archive is not None:
        named["keeping.archive"] = sections.keeping.archive
    named |= {f"inboxes.{name}.folder": inbox.folder for name, inbox in sections.inboxes.items()}
    for name, path in named.items():
        if "\0" in str(path):
            yield f"{name}: {str(path)!r} is no path; it holds a zero byte."
        try:
            path.expanduser()
        except RuntimeError:
            yield f"{name}: {path} begins with the home folder of a user who does not exist."


def _stage_problems(value: Mapping[str, Any]) -> list[str]:
    """What is wrong with the stages' sections of a file that is wrong elsewhere too."""
    problems: list[str] = []
    if isinstance(value.get("stages"), dict):
        readable = {
            name: one
            for name, one in value["stages"].items()
            if isinstance(name, str) and isinstance(one, dict)
        }
        _stages(readable, {}, "stages", problems)
    return problems


def _config(path: Path, sections: Sections, problems: list[str]) -> Config:
    home = path.absolute().parent
    default_stages = _stages(sections.stages, {}, "stages", problems)
    return Config(
        path=path.absolute(),
        state=_absolute(home, sections.state),
        originals=_absolute(home, sections.originals),
        library=_absolute(home, sections.library),
        inboxes=tuple(
            Inbox(
                name, _absolute(home, inbox.folder), inbox.watch, inbox.settle_seconds, inbox.rescan_seconds
            )
            for name, inbox in sections.inboxes.items()
        ),
        stages={
            name: _stages(inbox.stages, sections.stages, f"inboxes.{name}.stages", problems)
            for name, inbox in sections.inboxes.items()
        },
        default_stages=default_stages,
        slots={"cpu": sections.slots.cpu or os.cpu_count() or 1, "speech": sections.slots.speech},
        retry=Retry(**dataclasses.asdict(sections.retry)),
        limits=Limits(
            sections.limits.memory_mebibytes << 20, sections.limits.stall_seconds, sections.limits.niceness
        ),
        keeping=_keeping(home, sections.keeping, problems),
        reserve_bytes=sections.reserve_mebibytes << 20,
        sweep_after_seconds=sections.sweep_after_seconds,
        library_check_seconds=sections.library_check_seconds,
    )


def _keeping(home: Path, said: KeepingSection, problems: list[str]) -> Keeping:
    if said.originals == "archive" and said.archive is None:
        problems.append("keeping.archive: is missing; it names the folder that originals are moved to.")
    return Keeping(
        originals=said.originals,
        originals_seconds=said.originals_days * _DAY_SECONDS,
        archive=None if said.archive is None else _absolute(home, said.archive),
        trash_seconds=said.trash_days * _DAY_SECONDS,
        failed_seconds=said.failed_days * _DAY_SECONDS,
    )


def _stages(
    mine: Mapping[str, Mapping[str, Any]],
    below: Mapping[str, Mapping[str, Any]],
    where: str,
    problems: list[str],
) -> dict[str, Any]:
    """Each stage's settings: `mine` over `below` over the defaults."""
    known = {stage.name: stage for stage in STAGES}
    problems += [
        f"{where}.{name}: there is no such stage{_meant(name, known)}." for name in mine if name not in known
    ]
    made = {}
    for name, stage in known.items():
        value = {**(below.get(name) or {}), **(mine.get(name) or {})}
        try:
            made[name] = pydantic.TypeAdapter(stage.settings).validate_python(value)
        except pydantic.ValidationError as error:
            problems += _sentences(error, (where, name), [f.name for f in dataclasses.fields(stage.settings)])
    return made


def _sentences(
    error: pydantic.ValidationError, where: tuple[str, ...], known: list[str] | None = None
) -> Iterator[str]:
    """One sentence for each of pydantic's findings."""
    for found in error.errors():
        path = ".".join(map(str, (*where, *found["loc"])))
        if found["type"] == "missing":
            yield f"{path}: is missing."
        elif found["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            fields = known or [f.name for f in dataclasses.fields(Sections)]
            yield f"{path}: there is no such key{_meant(str(found['loc'][-1]), fields)}."
        elif found["type"] == "value_error":
            yield f"{path}: {found['ctx']['error']}."
        else:
            yield f"{path}: {found['msg'][0].lower()}{found['msg'][1:]}, but it is {found['input']!r}."


def _meant(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _folder_problems(config: Config) -> Iterator[str]:
    """Folders that would swallow one another."""
    named = {"state": config.state, "originals": config.originals, "library": config.library}
    if config.keeping.archive is not None:
        named["keeping.archive"] = config.keeping.archive
    named |= {f"inboxes.{inbox.name}.folder": inbox.folder for inbox in config.inboxes}
    for one, folder in named.items():
        for other, outer in named.items():
            if one != other and (folder == outer or outer in folder.parents):
                yield f"{one}: {folder} is {'the same as' if folder == outer else 'inside'} {other} ({outer}); keep them apart."


def _absolute(home: Path, path: Path) -> Path:
    return Path(os.path.normpath(home / path.expanduser()))


def _one_line(text: str) -> str:
    return " ".join(text.split())
