"""A reload (SIGHUP): the configuration is read again, and a new daemon on it follows in the same process."""

from pathlib import Path

from vlogd.config import Config, load
from vlogd.core.errors import ConfigError
from vlogd.core.events import ConfigRefused, ConfigReloaded, Emit


def read_again(path: Path, emit: Emit) -> Config | None:
    """The configuration in `path` now, or None, with an event for each problem, if it cannot be used."""
    try:
        config = load(path)
    except ConfigError as error:
        for problem in error.problems:
            emit(ConfigRefused(problem))
        return None
    emit(ConfigReloaded(path))
    return config
