"""Large files that consist mostly of holes: they claim any size and take no room, and reading one takes as long as its size says.

A hole is what lseek(2) says is none of the data (SEEK_DATA, SEEK_HOLE), not what takes no blocks: a file that Btrfs or
ZFS compressed has few blocks and no holes. File systems without holes say that all is data.
"""

import os
from typing import BinaryIO

from vlogd.core import contents

_LARGE_BYTES = 1 << 30
"""Smaller files are read in seconds, whatever they hold."""

_MOST_EXTENTS = 100_000
"""Looking at so many takes a fraction of a second. A file that was copied as a whole has a few."""


def is_mostly_holes(file: BinaryIO) -> bool:
    """Whether a large file holds less data than holes, or so many holes that it takes long to tell. Raises OSError."""
    size_bytes = os.fstat(file.fileno()).st_size
    if size_bytes <= _LARGE_BYTES:
        return False
    data_bytes = 0
    for number, (begin, end) in enumerate(contents.data_extents(file)):
        data_bytes += end - begin
        if data_bytes * 2 >= size_bytes:
            return False
        if number >= _MOST_EXTENTS or (end - data_bytes) * 2 > size_bytes:
            return True
    return True
