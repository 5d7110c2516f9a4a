"""The ways things go wrong, each named by what happens next.

| class         | what vlogd does                                                          |
|---------------|--------------------------------------------------------------------------|
| `BadInput`    | parks the item at once and tells why: trying again cannot help           |
| `ToolFailed`  | tries again after a growing pause, then parks with the tool's last lines |
| `ToolKilled`  | tries again likewise: somebody ended the tool, which says nothing of the file |
| `ToolStalled` | tries again likewise: a tool that stood still was not told so by the file        |
| `Unavailable` | waits and looks again (disk full, mount gone, model missing); no attempt |
| `Malformed`   | the same: a file of vlogd's own is damaged                               |
| `NewerFormat` | the same: a file of vlogd's own was written by a newer vlogd             |
| `Stopping`    | nothing: the daemon was asked to stop, the part is done at the next start|
| `Cancelled`   | parks the item's open steps until somebody says `vlogd retry`            |
| `ConfigError` | refuses to start and lists every problem at once                         |

Every message is one sentence for the person who dropped the file: what is wrong, with which
file, what to do. Anything that is none of these is a bug: its traceback goes to the log, that
item is parked, the daemon lives.
"""

from collections.abc import Sequence


class VlogdError(Exception):
    """Common parent, never raised itself; `str(error)` is a sentence for people."""


class BadInput(VlogdError):
    """The file cannot become a video, whatever we try."""


class _ToolTrouble(VlogdError):
    """Of a tool that said something. `stderr_tail` holds its last lines, for `vlogd show`."""

    def __init__(self, sentence: str, stderr_tail: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.stderr_tail = tuple(stderr_tail)


class ToolFailed(_ToolTrouble):
    """A tool ended badly."""


class ToolKilled(VlogdError):
    """A tool was ended from outside: by the kernel for want of memory, or by a person."""


class ToolStalled(_ToolTrouble):
    """A tool showed no progress and was ended: a slow disk, a hung driver."""


class Unavailable(VlogdError):
    """Something outside the file is missing for now: room, a mount, a model."""


class Malformed(Unavailable):
    """A file of vlogd's own was altered or damaged and cannot be understood."""


class NewerFormat(Unavailable):
    """A file of vlogd's own was written by a newer version, whose format this one doesn't know."""


class Stopping(VlogdError):
    """The daemon is going down; whatever was in flight will be done again."""


class Cancelled(VlogdError):
    """Somebody said `vlogd cancel`."""


class ConfigError(VlogdError):
    """The configuration cannot be used. `problems` has one sentence per fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
