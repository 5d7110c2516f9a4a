"""Digests: of canonical JSON (fingerprints), of files (artifacts), of huge originals (identity).

An original's identity is its size plus evenly spaced samples, not all its bytes: reading a
60 GB file from a disk takes minutes, and a video should play seconds after it was dropped.
Two files with the same identity are compared byte by byte before they count as the same
(`ingest.intake`), so a difference that the samples miss costs time, never a file
(docs/decisions/0002-identity-by-samples.md).
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

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


def identity(path: Path) -> str:
    """SHA-256 over a file's size and 32 samples of 64 KiB, in hex; all bytes if it is small."""
    hasher = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        hasher.update(size.to_bytes(8, "big"))
        if size <= _SAMPLES * _SAMPLE_BYTES:
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
        if os.fstat(file.fileno()).st_size != os.fstat(other_file.fileno()).st_size:
            return False
        while True:
            check(stop)
            block = file.read(_BLOCK_BYTES)
            if block != other_file.read(_BLOCK_BYTES):
                return False
            if not block:
                return True
