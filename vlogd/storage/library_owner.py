"""Which originals a library belongs to: its videos would be strangers to any others.

`<library>/.workshop/originals.json` says it by the mark of the originals' disk, since the library was first used.
"""

import socket
from dataclasses import dataclass
from pathlib import Path

from vlogd.core.documents import DocumentFormat
from vlogd.storage.tree import Tree
from vlogd.storage.workshop import Workshop

DOCUMENT = "originals.json"


@dataclass(frozen=True)
class _Originals:
    """`mark`: of their disk. `folder` and `host` are for people, and may have changed since."""

    mark: str
    folder: str
    host: str


_FORMAT = DocumentFormat.of("the originals of a library", _Originals)


def stranger(library: Path, mark: str) -> str | None:
    """Whose library it is, for people, if not that of the originals with this mark. Raises OSError, Malformed, NewerFormat."""
    document = Tree(Workshop(library).folder).read(_FORMAT, DOCUMENT)
    if document is None or document.value.mark == mark:
        return None
    return f"{document.value.folder} on {document.value.host}"


def claim(library: Path, originals: Path, mark: str) -> None:
    """Let the library belong to these originals, unless it belongs to some already. Raises OSError."""
    tree = Tree(Workshop(library).open())
    if not tree.exists(DOCUMENT):
        tree.write(_FORMAT, DOCUMENT, _Originals(mark, str(originals), socket.gethostname()))


def document_of(library: Path) -> Path:
    """The file that says it."""
    return Workshop(library).folder / DOCUMENT
