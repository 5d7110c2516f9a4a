"""Which video a name means: one rule for every command that takes a video."""

from collections.abc import Iterable

from vlogd.core.errors import VlogdError
from vlogd.core.model import Item

_MOST_NAMED = 5
"""How many candidates a message names: more would push the sentence off the screen."""


class NotFound(VlogdError):
    """A name matches no video, or more than one; the message says so and what to do."""


def find(items: Iterable[Item], name: str, where: str = "`vlogd status` lists all videos") -> Item:
    """The video with this id, slug or title, or else the only one whose id or slug begins with it.

    `where`: where one can look names up, for the message of NotFound.
    """
    candidates = list(items)
    exact = [item for item in candidates if name in (item.id, item.slug, item.title)]
    matches = exact or [
        item for item in candidates if name and (item.id.startswith(name) or item.slug.startswith(name))
    ]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise NotFound(f"There is no video {name!r}; {where}.")
    slugs = [item.slug for item in matches]
    more = f" and {len(slugs) - _MOST_NAMED} more" if len(slugs) > _MOST_NAMED else ""
    raise NotFound(
        f"{name!r} could be any of these: {', '.join(slugs[:_MOST_NAMED])}{more}. Name one by its slug or id."
    )
