"""Which vlogd this is."""

from importlib import metadata


def version() -> str:
    """The version that is installed; "" when vlogd runs from a checkout that is not."""
    try:
        return metadata.version("vlogd")
    except metadata.PackageNotFoundError:
        return ""
