"""Runs the transcriber, which is a process of its own.

It needs hundreds of megabytes that the daemon must not keep, and a crash in it must not crash the daemon. What listens has no
network, and what fetches the model hears nothing.
"""

import json
import os
import site
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vlogd.core.cancellation import Never, Stop
from vlogd.core.errors import ToolFailed, Unavailable
from vlogd.media import process
from vlogd.media.process import Limits
from vlogd.media.sandbox.access import Access
from vlogd.stages.workspace import Workspace

_PROGRAM = Path(__file__).with_name("transcriber.py")
_MODEL_IS_MISSING = "model-missing"

_LONGEST_FETCH_SECONDS = 86_400.0
"""3 GB at 300 kbit/s. The hub's client itself ends a connection on which nothing comes."""

_HUB = (
    "HF_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
"""What the hub's client is configured by: the beginnings of variables' names, in capitals."""


class _ModelIsMissing(Unavailable):
    """It may be fetched."""


def call(request: Mapping[str, Any], ws: Workspace[Any], report_progress: Callable[[float], None]) -> Any:
    """The transcriber's answer. Raises Unavailable when the model can't be loaded, else as `process.run`."""
    model = ws.settings.model
    request = {**request, "settings": asdict(ws.settings)}
    access = _access(
        ws.scratch,
        reads=(Path(request["pcm"]), _hub_cache(), *_folder(model)),
        devices=ws.settings.device != "cpu",
    )
    try:
        return _answer(request, ws.scratch, ws.limits, access, ws.stop, report_progress)
    except _ModelIsMissing:
        if _folder(model):
            raise
    fetch_model(model, ws.limits, ws.stop)
    return _answer(request, ws.scratch, ws.limits, access, ws.stop, report_progress)


def fetch_model(model: str, limits: Limits, stop: Stop | None = None) -> Path:
    """The folder of a model in the cache; fetched unless it is there. Raises Unavailable when that fails."""
    patient = replace(limits, stall_seconds=_LONGEST_FETCH_SECONDS)
    request = {"do": "fetch", "settings": {"model": model}}
    hub = (_hub_home(), _hub_cache())
    for path in hub:
        path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vlogd-") as folder:
        scratch = Path(folder)
        access = _access(scratch, writes=hub, reads=_folder(model), network=True)
        answer = _answer(request, scratch, patient, access, stop or Never(), lambda _share: None)
    return Path(answer["folder"])


def _access(
    scratch: Path,
    *,
    reads: tuple[Path, ...] = (),
    writes: tuple[Path, ...] = (),
    network: bool = False,
    devices: bool = False,
) -> Access:
    """Of a Python with the libraries that this one has."""
    hub = {name: value for name, value in os.environ.items() if network and name.upper().startswith(_HUB)}
    return Access(
        reads=(*(Path(path) for path in (sys.prefix, sys.base_prefix)), *_packages(), _PROGRAM, *reads),
        writes=(scratch, *writes),
        network=network,
        devices=devices,
        environment={
            **hub,
            "HF_HOME": str(_hub_home()),
            "HF_HUB_CACHE": str(_hub_cache()),
            "PYTHONUSERBASE": site.getuserbase(),
        },
    )


def _packages() -> list[Path]:
    """Where libraries lie outside this Python: a user's own, and those that a .pth file names (site, Python's docs).

    Not all of `sys.path`: the working directory may be in it, with anything below.
    """
    folders = [Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    return [*folders, Path(site.getuserbase())] if site.ENABLE_USER_SITE else folders


def _hub_home() -> Path:
    """Where the hub's client keeps all that is its own (huggingface_hub, "Environment variables")."""
    cache = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    return Path(os.environ.get("HF_HOME", Path(cache) / "huggingface")).expanduser().absolute()


def _hub_cache() -> Path:
    """Where models lie that were fetched."""
    return Path(os.environ.get("HF_HUB_CACHE", _hub_home() / "hub")).expanduser().absolute()


def _folder(model: str) -> tuple[Path, ...]:
    """The folder that is named instead of a model of the hub's, or nothing."""
    return (Path(model),) if os.sep in model else ()


def _answer(
    request: Mapping[str, Any],
    folder: Path,
    limits: Limits,
    access: Access,
    stop: Stop,
    report_progress: Callable[[float], None],
) -> Any:
    request_path, answer_path = folder / "request.json", folder / "answer.json"
    request_path.write_text(json.dumps({**request, "answer": str(answer_path)}))
    missing_model: list[str] = []

    def on_line(line: str) -> None:
        kind, _, rest = line.partition(" ")
        if kind == "progress":
            report_progress(float(rest))
        elif kind == _MODEL_IS_MISSING:
            missing_model.append(rest)

    # No bound for memory: CUDA and onnxruntime reserve far more address space than they use.
    unbounded = replace(limits, memory_bytes=0)
    try:
        # -P: nothing is imported from the program's own folder.
        process.run([sys.executable, "-P", str(_PROGRAM), str(request_path)], limits=unbounded, access=access, stop=stop,
                    on_line=on_line)  # fmt: skip
    except ToolFailed as error:
        if missing_model:
            raise _ModelIsMissing(missing_model[-1]) from error
        raise
    return json.loads(answer_path.read_bytes())
