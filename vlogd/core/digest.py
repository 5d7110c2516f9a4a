"""Digests: of canonical JSON (fingerprints), of files (artifacts), of huge originals (identity).

An original's identity is its size plus evenly spaced samples, not all its bytes: reading a
60 GB file from a disk takes minutes, and a video should play seconds after it was dropped.
Two files with the same identity are compared byte by byte, or by their SHA-256, before they count as
the same (`ingest.matching`), so a difference that the samples miss costs time, never a file
(docs/decisions/0022-the-same-file-is-the-same-bytes.md).
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from vlogd.core import contents
from vlogd.core.cancellation import Stop, check

_BLOCK_BYTES = 1 << 20
"""Read at a time: large enough for full speed, small enough for memory."""

_SAMPLE_BYTES = 64 << 10
_SAMPLES = 32
"""2 MiB in all, with a seek for each sample: a third of a second on a hard disk. Part of every known identity, so fixed."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def of_json(value: Any) -> str:
    """SHA-256 of `value` as canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def of_bytes(data: bytes) -> str:
    """SHA-256 of `data`, in hex."""
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_large_file(path: Path, stop: Stop, *, from_disk: bool = False) -> str:
    """SHA-256 of a file's bytes, in hex. Raises Stopping in the middle.

    With `from_disk`, what the kernel holds of it in memory is dropped first, so that the disk itself is read
    (posix_fadvise(2); pages that are not written yet stay, so sync the file before).
    """
    hasher = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        if from_disk:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := file.read(_BLOCK_BYTES):
            check(stop)
            hasher.update(block)
    check(stop)
    return hasher.hexdigest()


def identity_covers(size_bytes: int) -> bool:
    """Whether the identity of a file of that size is a digest of all its bytes."""
    return size_bytes <= _SAMPLES * _SAMPLE_BYTES


def identity(path: Path) -> str:
    """SHA-256 over a file's size and 32 samples of 64 KiB, in hex; all bytes if it is small."""
    hasher = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        hasher.update(size.to_bytes(8, "big"))
        if identity_covers(size):
            while block := file.read(_BLOCK_BYTES):
                hasher.update(block)
        else:
            for index in range(_SAMPLES):
                file.seek(index * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
                hasher.update(file.read(_SAMPLE_BYTES))
    return hasher.hexdigest()


def same_bytes(path: Path, other: Path, stop: Stop) -> bool:
    """Whether two files hold exactly the same bytes. Raises Stopping in the middle."""
    with path.open("rb") as file, other.open("rb") as other_file:
        return contents.are_same(file, other_file, stop)
