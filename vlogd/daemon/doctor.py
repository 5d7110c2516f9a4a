"""Looks at the machine as vlogd will use it; each finding says what to do."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlogd.config import Config
from vlogd.core.errors import VlogdError
from vlogd.daemon import lock
from vlogd.media import process
from vlogd.media.process import Limits
from vlogd.storage import mounts

_LEAST_FREE_BYTES = 5 << 30
_LEAST_WATCHES = 8192


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` is what to do, "" when nothing is."""

    level: Literal["ok", "warn", "fail"]
    sentence: str
    remedy: str = ""


def examine(config: Config) -> list[Finding]:
    """All findings, the tools first."""
    return [*_tools(), *_folders(config), *_inotify(), *_disk(config), *_speech(config), *_daemon(config)]


def _tools() -> Iterator[Finding]:
    for name in ("ffmpeg", "ffprobe"):
        try:
            first = process.output([name, "-hide_banner", "-version"], limits=Limits()).partition("\n")[0]
            yield Finding("ok", f"{name} is there: {first}.")
        except VlogdError as error:
            yield Finding("fail", str(error) if shutil.which(name) else f"{name} is not installed.",
                          "Install it: apt install ffmpeg")  # fmt: skip
            return
    have = process.output(["ffmpeg", "-hide_banner", "-v", "error", "-encoders"], limits=Limits())
    have += process.output(["ffmpeg", "-hide_banner", "-v", "error", "-filters"], limits=Limits())
    words = set(have.split())
    for name, why in (("libx264", "no picture can be encoded"), ("aac", "no sound can be encoded"),
                      ("bwdif", "interlaced films stay striped"), ("zscale", "HDR films cannot be shown in SDR"),
                      ("tonemap", "HDR films cannot be shown in SDR")):  # fmt: skip
        if name not in words:
            needed = name in ("libx264", "aac")
            yield Finding("fail" if needed else "warn", f"This ffmpeg lacks {name}: {why}.",
                          "Install the distribution's ffmpeg: apt install ffmpeg")  # fmt: skip
    for name in ("setpriv", "prlimit", "ionice"):
        if shutil.which(name) is None:
            yield Finding("warn", f"{name} is missing: ffmpeg runs less bounded.", "apt install util-linux")


def _folders(config: Config) -> Iterator[Finding]:
    named = [("state", config.state), ("originals", config.originals), ("library", config.library)]
    named += [(f"inbox {inbox.name}", inbox.folder) for inbox in config.inboxes]
    for name, folder in named:
        if not folder.is_dir():
            level: Literal["warn", "fail"] = "fail" if name.startswith("inbox") else "warn"
            yield Finding(level, f"{name}: {folder} is not there.", "Create it, or mount its disk.")
        elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield Finding("fail", f"{name}: {folder} may not be read and written by this user.",
                          f"chown or chmod it for the user that runs vlogd (uid {os.getuid()}).")  # fmt: skip
        else:
            yield Finding("ok", f"{name}: {folder} ({mounts.file_system(folder)}).")
    for inbox in config.inboxes:
        if _device(inbox.folder) != _device(config.originals):
            yield Finding("warn", f"inbox {inbox.name} and originals are on different file systems: files are copied.",
                          "Put them on one, and taking a file costs nothing.")  # fmt: skip


def _device(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return folder.stat().st_dev


def _inotify() -> Iterator[Finding]:
    path = Path("/proc/sys/fs/inotify/max_user_watches")
    if path.exists() and int(path.read_text()) < _LEAST_WATCHES:
        yield Finding("warn", f"The kernel allows only {path.read_text().strip()} inotify watches.",
                      "sysctl fs.inotify.max_user_watches=524288")  # fmt: skip


def _disk(config: Config) -> Iterator[Finding]:
    for name, folder in (
        ("state", config.state),
        ("originals", config.originals),
        ("library", config.library),
    ):
        if folder.is_dir():
            free = shutil.disk_usage(folder).free
            level: Literal["ok", "warn"] = "ok" if free > _LEAST_FREE_BYTES else "warn"
            yield Finding(level, f"{name}: {free / 1e9:.1f} GB free.", "" if level == "ok" else "Make room.")


def _speech(config: Config) -> Iterator[Finding]:
    """Is the model a folder that is one, or a name that is cached? Loads nothing."""
    model = config.default_stages["captions"].model
    if os.sep in model:
        if (Path(model) / "model.bin").exists():
            yield Finding("ok", f"The speech model is there: {model}.")
        else:
            yield Finding("fail", f"There is no speech model in {model}.", "Correct stages.captions.model.")
        return
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    cached = sorted(home.glob(f"hub/models--*faster-whisper-{model}*/snapshots/*/model.bin"))
    if cached:
        yield Finding("ok", f"The speech model {model} is on this machine.")
    else:
        yield Finding("warn", f"The speech model {model} is not on this machine yet; it is fetched once when needed.",
                      "Without a network, set stages.captions.model to a folder. Videos are watchable without.")  # fmt: skip


def _daemon(config: Config) -> Iterator[Finding]:
    yield Finding("ok", "vlogd is running." if lock.is_locked(config.state) else "vlogd is not running.")
