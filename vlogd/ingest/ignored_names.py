"""Names in an inbox that never belong to a dropped video: unfinished copies, and what file servers keep for themselves."""

FAILED = "_failed"
"""The folder inside an inbox for what could not be taken."""

_IGNORED_SUFFIXES = (
    ".part", ".partial", ".crdownload", ".download", ".opdownload", ".tmp", ".temp", ".ytdl", ".!qb", ".!ut",
    ".aria2", ".filepart", ".swp", "~",
)  # fmt: skip
_IGNORED_NAMES = {"@eadir", "#recycle", "#snapshot", "thumbs.db", "desktop.ini", "lost+found", FAILED, "$recycle.bin",
           "system volume information"}  # fmt: skip


def is_ignored(name: str) -> bool:
    """Whether a name is a temporary one or a file server's own, and never a dropped video."""
    lower = name.lower()
    return lower.startswith(".") or lower.endswith(_IGNORED_SUFFIXES) or lower in _IGNORED_NAMES
