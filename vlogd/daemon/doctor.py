"""Examines the machine as vlogd will use it; each finding says what to do."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlogd.config import Config, named_folders
from vlogd.core import clock
from vlogd.core.errors import VlogdError
from vlogd.daemon import lock
from vlogd.media import process
from vlogd.media.process import Limits
from vlogd.media.sandbox import walls
from vlogd.storage import mount_locks, mounts

_LEAST_FREE_BYTES = 5 << 30
"""Two hours of video at 6 Mbit/s for all renditions together; with less, the next drop may have to wait for space."""

_LEAST_WATCHES = 8192
"""Each folder below an inbox takes one inotify watch; this was the kernel's default before Linux 5.11 (inotify(7))."""


@dataclass(frozen=True)
class Finding:
    """One thing that was examined. `remedy` is what to do, "" when there is nothing to do."""

    level: Literal["ok", "warn", "fail"]
    sentence: str
    remedy: str = ""


def examine(config: Config) -> list[Finding]:
    """All findings, the tools first."""
    return [
        *_tools(),
        *_folders(config),
        *_inotify(),
        *_disk(config),
        *_clock(),
        *_speech(config),
        *_daemon(config),
    ]


_NEEDED = {
    "libx264": "video cannot be encoded",
    "aac": "audio cannot be encoded",
}
"""What ffmpeg must have, and what is impossible without it."""

_USEFUL = {
    "bwdif": "interlaced films stay interlaced",
    "zscale": "HDR films cannot be converted to SDR",
    "tonemap": "HDR films cannot be converted to SDR",
}


def _tools() -> Iterator[Finding]:
    for name in ("ffmpeg", "ffprobe"):
        try:
            version = process.output([name, "-hide_banner", "-version"], limits=Limits()).partition("\n")[0]
            yield Finding("ok", f"{name} is there: {version}.")
        except VlogdError as error:
            sentence = str(error) if shutil.which(name) else f"{name} is not installed."
            yield Finding("fail", sentence, "Install it: apt install ffmpeg")
            return
    yield from _ffmpeg_features()
    yield from _walls()


def _ffmpeg_features() -> Iterator[Finding]:
    listed: set[str] = set()
    for what in ("-encoders", "-filters"):
        listed |= set(
            process.output(["ffmpeg", "-hide_banner", "-v", "error", what], limits=Limits()).split()
        )
    for features, level in ((_NEEDED, "fail"), (_USEFUL, "warn")):
        for name, consequence in features.items():
            if name not in listed:
                yield Finding(
                    level,  # type: ignore[arg-type]  # one of the two literals above
                    f"This ffmpeg lacks {name}: {consequence}.",
                    "Install the distribution's ffmpeg: apt install ffmpeg",
                )


def _walls() -> Iterator[Finding]:
    """What keeps a file that takes over ffmpeg from anything else."""
    found = walls.walls()
    if found.standing:
        yield Finding("ok", found.standing)
    for sentence in found.missing:
        yield Finding("warn", sentence, "Use a newer kernel (6.12 or later has all), or a container that allows landlock(7) and seccomp(2).")  # fmt: skip


def _folders(config: Config) -> Iterator[Finding]:
    named = [("state", config.state), ("originals", config.originals), ("library", config.library)]
    named += [(f"inbox {inbox.name}", inbox.folder) for inbox in config.inboxes]
    for name, folder in named:
        if not folder.is_dir():
            level: Literal["warn", "fail"] = "fail" if name.startswith("inbox") else "warn"
            yield Finding(level, f"{name}: {folder} does not exist.", "Create it, or mount its disk.")
        elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield Finding("fail", f"{name}: {folder} cannot be read and written by this user.",
                          f"chown or chmod it for the user who runs vlogd (uid {os.getuid()}).")  # fmt: skip
        else:
            yield Finding("ok", f"{name}: {folder} ({mounts.file_system(folder)}).")
    for sentence in mounts.overlaps(named_folders(config)):
        yield Finding("fail", sentence, "vlogd does not start like this.")
    yield from _locks(config)
    yield from _originals(config.originals)
    for inbox in config.inboxes:
        if _device(inbox.folder) != _device(config.originals):
            yield Finding("warn", f"inbox {inbox.name} and originals are on different file systems: files are copied.",
                          "Put them on the same one, and taking a file costs nothing.")  # fmt: skip


def _locks(config: Config) -> Iterator[Finding]:
    for name, folder in (("originals", config.originals), ("library", config.library)):
        mount = mount_locks.mount_of(folder)
        if not mount.shares_locks:
            yield Finding(
                "warn",
                f"{name}: {mount.kind} keeps locks to one machine. So vlogd writes there once a minute to show that it runs, and a "
                "vlogd on another machine waits 150 s after a crash of this one before it takes the folder.",
                "Mount it with locks, if it has them (NFS: without nolock and local_lock; SMB: without nobrl).",
            )


def _originals(folder: Path) -> Iterator[Finding]:
    """Whether only vlogd can alter what was accepted. Earlier versions left files as they were dropped."""
    if not folder.is_dir():
        return
    by_others = stat.S_IWGRP | stat.S_IWOTH
    if folder.stat().st_mode & by_others:
        yield Finding("warn", "originals: other users may write there, and so alter what was accepted.",
                      f"chmod go-w {folder}")  # fmt: skip
    owner = folder.stat().st_uid
    found = [path.lstat() for path in folder.glob("[!.]*/[!.]*")]
    count = sum(status.st_uid != owner or bool(status.st_mode & by_others) for status in found)
    if count:
        yield Finding("warn", f"originals: {count} files belong to other users, or may be written by them.",
                      f"chown -R {owner} {folder} && chmod -R go-w {folder}")  # fmt: skip


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


def _clock() -> Iterator[Finding]:
    if clock.is_synchronised():
        yield Finding("ok", "The clock is synchronised.")
    else:
        yield Finding("warn", "The clock is not known to be synchronised: what `keeping` deletes waits longer, since only the time "
                      "in which vlogd runs counts.",
                      "Enable systemd-timesyncd or chrony; in a container nothing is to be done.")  # fmt: skip


def _speech(config: Config) -> Iterator[Finding]:
    """Whether the model is there: in its folder, or in the cache of downloads. Loads nothing."""
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
        yield Finding("warn", f"The speech model {model} is not on this machine yet; `vlogd fetch-model`, or the first video, fetches it.",
                      "Without a network, set stages.captions.model to a folder. Videos can be watched without it.")  # fmt: skip


def _daemon(config: Config) -> Iterator[Finding]:
    yield Finding("ok", "vlogd is running." if lock.is_locked(config.state) else "vlogd is not running.")
