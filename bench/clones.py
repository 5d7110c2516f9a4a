"""Many published videos at the price of one: its files, linked under other ids.

The daemon finds every copy finished, because an artifact's fingerprint depends on the content of its original and not
on the item's id.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_COPIES_PER_ORIGINAL = 50_000
"""ext4 allows 65,000 names for one file (EXT4_LINK_MAX)."""


@dataclass(frozen=True)
class _Tree:
    """Folders and files below a root, relative to it; `texts` are those that name the item."""

    folders: tuple[Path, ...]
    links: tuple[Path, ...]
    texts: tuple[Path, ...]


class Template:
    """The one published video of a home."""

    def __init__(self, home: Path) -> None:
        self._originals = home / "originals"
        self._videos = home / "library/videos"
        (self._folder,) = self._videos.iterdir()
        self._id: str = json.loads((self._folder / "video.json").read_bytes())["id"]
        facts = json.loads((self._originals / self._id / ".vlogd-item.json").read_bytes())
        self._digest: str = facts["digest"]  # begins with the id, and stays
        self._slug = self._folder.name
        self._trees = {root: self._scan(root) for root in (self._originals / self._id, self._folder)}

    @property
    def files(self) -> int:
        """How many files its folder in the library holds."""
        tree = self._trees[self._folder]
        return len(tree.links) + len(tree.texts)

    def copy(self, number: int) -> None:
        """Make copies until the home holds so many videos."""
        if number > _COPIES_PER_ORIGINAL:
            raise ValueError(f"{number} copies are more than a file can have names")
        for index in range(1, number):
            item_id = f"{index:010x}{self._id[10:]}"
            slug = self._slug.replace(self._id[:10], item_id[:10])
            for source, target in (
                (self._originals / self._id, self._originals / item_id),
                (self._folder, self._videos / slug),
            ):
                self._copy_tree(source, target, {self._slug: slug, self._id: item_id})

    def _scan(self, root: Path) -> _Tree:
        paths = sorted(path.relative_to(root) for path in root.rglob("*"))
        files = [path for path in paths if (root / path).is_file()]
        digest, start_of_id = self._digest.encode(), self._id[:10].encode()
        names_item = [
            path for path in files if start_of_id in (root / path).read_bytes().replace(digest, b"")
        ]
        links = [path for path in files if path not in names_item]
        folders = [path for path in paths if (root / path).is_dir()]
        return _Tree(tuple(folders), tuple(links), tuple(names_item))

    def _copy_tree(self, source: Path, target: Path, words: dict[str, str]) -> None:
        tree = self._trees[source]
        target.mkdir()
        for folder in tree.folders:
            (target / folder).mkdir()
        for file in tree.links:
            os.link(source / file, target / file)
        for file in tree.texts:
            text = (source / file).read_text()
            pieces = text.split(self._digest)
            for before, after in words.items():
                pieces = [piece.replace(before, after) for piece in pieces]
            (target / file).write_text(self._digest.join(pieces))
            shutil.copystat(source / file, target / file)
