"""The configuration: one YAML file, validated as a whole.

A stage's section is validated by the settings class in the stage's own file; an inbox may override any of it. All
problems are reported at once, each as a sentence that begins with the path of its key ("stages.hls.crf: …").
pydantic and pyyaml are imported here only.
"""

import dataclasses
import difflib
import os
from collections.abc import Collection, Iterator, Mapping
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
from vlogd.media import memory
from vlogd.media.process import Limits
from vlogd.stages.pipeline import STAGES
from vlogd.storage.retention import OriginalsPolicy, Retention

_DAY_SECONDS = 86400.0


@settings
class InboxSection:
    """`inboxes.<name>`: a watched folder. `stages` overrides settings of stages for what is dropped into it."""

    folder: Path
    watch: Watch = "auto"
    settle_seconds: NonNegativeSeconds = 5.0
    rescan_seconds: PositiveSeconds = 60.0
    stages: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)


@settings
class SlotsSection:
    """`slots`: how many parts run at once. `cpu: 0` means one for each processor core."""

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
    """`limits`: of ffmpeg and the transcriber. `memory_mebibytes`: null is a share of the machine's, 0 no limit."""

    memory_mebibytes: NonNegativeInt | None = None
    stall_seconds: PositiveSeconds = 300.0
    niceness: Annotated[int, Field(ge=0, le=19)] = 10


@settings
class KeepingSection:
    """`keeping`: how long to keep what is no longer needed, in days. `failed_days: 0` means for ever."""

    originals: OriginalsPolicy = "keep"
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
    """A valid configuration. Paths are absolute. `stages`: inbox to stage to that stage's settings, defaults filled in.

    `default_stages` are those of an inbox that overrides nothing. `slots`: resource to how many parts run at once, and
    `memory_bytes` what their tools may take together, None for any amount.
    """

    path: Path
    state: Path
    originals: Path
    library: Path
    inboxes: tuple[Inbox, ...]
    stages: Mapping[str, Mapping[str, Any]]
    default_stages: Mapping[str, Any]
    slots: Mapping[str, int]
    memory_bytes: int | None
    retry: Retry
    limits: Limits
    retention: Retention
    reserve_bytes: int
    sweep_after_seconds: float
    library_check_seconds: float

    def stage_settings(self, inbox: str) -> Mapping[str, Any]:
        """Stage to settings for items of `inbox`; the defaults for an inbox that is no longer configured."""
        return self.stages.get(inbox, self.default_stages)


def load(path: Path) -> Config:
    """Read and validate `path`. Raises ConfigError with all problems."""
    content = _read(path)
    try:
        sections = pydantic.TypeAdapter(Sections).validate_python(content)
    except pydantic.ValidationError as error:
        raise ConfigError([*_sentences(error, ()), *_stage_problems(content)]) from error
    problems = list(_unusable_paths(sections))
    if problems:
        raise ConfigError(problems)
    config = _config(path.absolute(), sections, problems)
    problems += _nested_folders(named_folders(config))
    if problems:
        raise ConfigError(problems)
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            [f"{path} cannot be read: {error.strerror}. `vlogd init DIR` creates a new one."]
        ) from error
    except Exception as error:  # yaml's constructors raise a dozen kinds; ValueError for a date in month 13
        reason = " ".join(str(error).split())
        raise ConfigError([f"{path} is not valid YAML: {reason}."]) from error
    if not isinstance(content, dict):
        raise ConfigError([f"{path} is empty or not a mapping; config.example.yaml shows what it may hold."])
    return content


def _unusable_paths(sections: Sections) -> Iterator[str]:
    """Paths that name nothing: `~nobody/x`, or one with a zero byte."""
    named = {"state": sections.state, "originals": sections.originals, "library": sections.library}
    if sections.keeping.archive is not None:
        named["keeping.archive"] = sections.keeping.archive
    named |= {f"inboxes.{name}.folder": inbox.folder for name, inbox in sections.inboxes.items()}
    for key, path in named.items():
        if "\0" in str(path):
            yield f"{key}: {str(path)!r} is not a path; it holds a zero byte."
        try:
            path.expanduser()
        except RuntimeError:
            yield f"{key}: {path} begins with the home folder of a user who does not exist."


def _stage_problems(content: Mapping[str, Any]) -> list[str]:
    """What is wrong with the stages' sections of a file that has other problems, too."""
    problems: list[str] = []
    if isinstance(content.get("stages"), dict):
        readable = {
            name: section
            for name, section in content["stages"].items()
            if isinstance(name, str) and isinstance(section, dict)
        }
        _stages(readable, {}, "stages", problems)
    return problems


def _config(path: Path, sections: Sections, problems: list[str]) -> Config:
    """The configuration with its paths absolute; what is wrong with it is added to `problems`."""
    home, limits = path.parent, sections.limits
    return Config(
        path=path,
        state=_absolute(home, sections.state),
        originals=_absolute(home, sections.originals),
        library=_absolute(home, sections.library),
        inboxes=tuple(
            Inbox(
                name, _absolute(home, inbox.folder), inbox.watch, inbox.settle_seconds, inbox.rescan_seconds
            )
            for name, inbox in sections.inboxes.items()
        ),
        default_stages=_stages(sections.stages, {}, "stages", problems),
        stages={
            name: _stages(inbox.stages, sections.stages, f"inboxes.{name}.stages", problems)
            for name, inbox in sections.inboxes.items()
        },
        slots={"cpu": sections.slots.cpu or os.cpu_count() or 1, "speech": sections.slots.speech},
        retry=Retry(**dataclasses.asdict(sections.retry)),
        memory_bytes=memory.for_all(limits.memory_mebibytes),
        limits=Limits(memory.address_space(limits.memory_mebibytes), limits.stall_seconds, limits.niceness),
        retention=_retention(home, sections.keeping, problems),
        reserve_bytes=sections.reserve_mebibytes << 20,
        sweep_after_seconds=sections.sweep_after_seconds,
        library_check_seconds=sections.library_check_seconds,
    )


def _retention(home: Path, section: KeepingSection, problems: list[str]) -> Retention:
    if section.originals == "archive" and section.archive is None:
        problems.append("keeping.archive: is missing; it names the folder that originals are moved to.")
    return Retention(
        originals=section.originals,
        originals_seconds=section.originals_days * _DAY_SECONDS,
        archive=None if section.archive is None else _absolute(home, section.archive),
        trash_seconds=section.trash_days * _DAY_SECONDS,
        failed_seconds=section.failed_days * _DAY_SECONDS,
    )


def _stages(
    sections: Mapping[str, Mapping[str, Any]],
    inherited: Mapping[str, Mapping[str, Any]],
    key: str,
    problems: list[str],
) -> dict[str, Any]:
    """Each stage's settings: `sections` over `inherited` over the defaults. `key` is where the sections stand."""
    stages = {stage.name: stage for stage in STAGES}
    problems += [
        f"{key}.{name}: there is no such stage{_suggestion(name, stages)}."
        for name in sections
        if name not in stages
    ]
    settings = {}
    for name, stage in stages.items():
        section = {**(inherited.get(name) or {}), **(sections.get(name) or {})}
        try:
            settings[name] = pydantic.TypeAdapter(stage.settings).validate_python(section)
        except pydantic.ValidationError as error:
            fields = [field.name for field in dataclasses.fields(stage.settings)]
            problems += _sentences(error, (key, name), fields)
    return settings


def _sentences(
    error: pydantic.ValidationError, key: tuple[str, ...], known_keys: Collection[str] = ()
) -> Iterator[str]:
    """One sentence for each of pydantic's findings. `known_keys` are those of a stage; else the file's are meant."""
    known_keys = known_keys or [field.name for field in dataclasses.fields(Sections)]
    for finding in error.errors():
        path = ".".join(map(str, (*key, *finding["loc"])))
        if finding["type"] == "missing":
            yield f"{path}: is missing."
        elif finding["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            yield f"{path}: there is no such key{_suggestion(str(finding['loc'][-1]), known_keys)}."
        elif finding["type"] == "value_error":
            yield f"{path}: {finding['ctx']['error']}."
        else:
            yield f"{path}: {finding['msg'][0].lower()}{finding['msg'][1:]}, but it is {finding['input']!r}."


def _suggestion(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def named_folders(config: Config) -> dict[str, Path]:
    """The folders of a configuration, by their keys."""
    folders = {"state": config.state, "originals": config.originals, "library": config.library}
    if config.retention.archive is not None:
        folders["keeping.archive"] = config.retention.archive
    return folders | {f"inboxes.{inbox.name}.folder": inbox.folder for inbox in config.inboxes}


def _nested_folders(folders: Mapping[str, Path]) -> Iterator[str]:
    """Folders that are the same or lie in one another: vlogd would take its own files for drops, or publish originals."""
    for key, folder in folders.items():
        for other_key, other in folders.items():
            if key != other_key and (folder == other or other in folder.parents):
                relation = "the same as" if folder == other else "inside"
                yield f"{key}: {folder} is {relation} {other_key} ({other}); keep them apart."


def _absolute(home: Path, path: Path) -> Path:
    return Path(os.path.normpath(home / path.expanduser()))
