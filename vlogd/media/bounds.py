"""The largest film that vlogd takes. A file is held to it before anything is made in proportion to what it claims.

Numbers in a file cost nothing: a few bytes can claim centuries, or billions of frames.
"""

from vlogd.core.errors import BadInput

MOST_HOURS = 100
"""Recordings of several days are shorter; a playlist of 100 hours in segments of 2 s has 180,000 entries (10 MiB)."""

MOST_FRAMES = 20_000_000
"""100 hours at 55 frames a second. Their times take 160 MB."""

_SECONDS_OF_AN_HOUR = 3600


def check_duration(seconds: float) -> None:
    """Raise BadInput when a film of so many seconds is too long."""
    if not seconds <= MOST_HOURS * _SECONDS_OF_AN_HOUR:
        raise BadInput(
            f"The file claims to last {seconds / _SECONDS_OF_AN_HOUR:,.0f} hours; vlogd takes at most {MOST_HOURS}. "
            "If it really is that long, cut it into shorter files."
        )


def check_frames(count: int) -> None:
    """Raise BadInput when a track of so many frames is too long."""
    if count > MOST_FRAMES:
        raise BadInput(
            f"The file has more than {MOST_FRAMES // 1_000_000} million frames, which vlogd doesn't take. "
            "If it is genuine, cut it into shorter files."
        )
