"""The ways things go wrong, each named by what happens next.

| class         | what vlogd does                                                            |
|---------------|----------------------------------------------------------------------------|
| `BadInput`    | parks the item at once and says why: trying again cannot help              |
| `ToolFailed`  | tries again after a growing pause, then parks; `vlogd show` has its output |
| `ToolKilled`  | the same: a tool that was killed from outside says nothing about the file  |
| `ToolStalled` | the same: a slow disk or a hung driver says nothing about the file either  |
| `Unavailable` | waits and looks again (disk full, mount gone, model missing); no attempt   |
| `Malformed`   | the same: a file of vlogd's own is damaged                                 |
| `NewerFormat` | the same: a file of vlogd's own was written by a newer vlogd               |
| `Stopping`    | nothing: the daemon was asked to stop, the part is done at the next start  |
| `Cancelled`   | parks the item's unfinished steps until `vlogd retry`                      |
| `ConfigError` | refuses to start and lists every problem at once                           |

Every message is one sentence for the person who dropped the file: what is wrong, with which
file, what to do. Any other exception is a bug: its traceback goes to the log, that
item is parked, the daemon lives.
"""

from collections.abc import Sequence


class VlogdError(Exception):
    """Common parent, never raised itself. `str(error)` is a sentence for people."""


class _ToolTrouble(VlogdError):
    """Of a tool that may have printed something. `stderr_tail` holds its last lines, for the log and `vlogd show`."""

    def __init__(self, sentence: str, stderr_tail: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.stderr_tail = tuple(stderr_tail)


class BadInput(_ToolTrouble):
    """The file cannot become a video, whatever we try."""


class ToolFailed(_ToolTrouble):
    """A tool exited with an error."""


class ToolKilled(_ToolTrouble):
    """A tool was killed from outside: by the kernel when memory ran out, or by a person."""


class ToolStalled(_ToolTrouble):
    """A tool made no progress and was killed: a slow disk, a hung driver."""


class Unavailable(VlogdError):
    """Something outside the file is missing for now: space, a mount, a model."""


class Malformed(Unavailable):
    """A file of vlogd's own was altered or damaged and cannot be understood."""


class NewerFormat(Unavailable):
    """A file of vlogd's own was written by a newer version, whose format this one doesn't know."""


class Stopping(VlogdError):
    """The daemon is stopping; whatever was in flight will be done again."""


class Cancelled(VlogdError):
    """Somebody ran `vlogd cancel`."""


class ConfigError(VlogdError):
    """The configuration cannot be used. `problems` has one sentence per fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
