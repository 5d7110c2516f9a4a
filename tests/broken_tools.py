"""Puts a program before ffmpeg or ffprobe that, at chosen commands, does something else instead."""

import os
import shutil
from pathlib import Path

import pytest

STANDS_STILL = "echo '{'; exec sleep 600"
"""Begins to write, writes nothing more, and does not end."""


def instead(program: str, at: str, script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on `script` (of sh, which may start no other program but by exec) runs wherever `at` (a pattern of sh) fits the words of a `program` command."""
    real = shutil.which(program)
    folder.mkdir(exist_ok=True)
    made = folder / program
    made.write_text(f'#!/bin/sh\nREAL={real}\ncase "$*" in {at}) {script} ;; esac\nexec "$REAL" "$@"\n')
    made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
