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
    return bool(rule(name))


def rule(name: str) -> str:
    """The rule by which a name is ignored, as a sentence for people; "" when it is not."""
    lower = name.lower()
    if lower in _IGNORED_NAMES:
        return "A file server, a system or vlogd keeps it for itself."
    if lower.startswith("."):
        return "Its name begins with a dot: it is hidden."
    suffix = next((suffix for suffix in _IGNORED_SUFFIXES if lower.endswith(suffix)), "")
    return (
        f'Its name ends in "{suffix}": it is unfinished or temporary. Rename it if it is whole.'
        if suffix
        else ""
    )
