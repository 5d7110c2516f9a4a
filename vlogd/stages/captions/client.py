"""Runs the transcriber, which is a process of its own.

It needs hundreds of megabytes that the daemon must not keep, and a crash in it must not crash the daemon.
"""

import json
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
from vlogd.stages.workspace import Workspace

_MODULE = "vlogd.stages.captions.transcriber"
_MODEL_IS_MISSING = "model-missing"

_LONGEST_FETCH_SECONDS = 86_400.0
"""3 GB at 300 kbit/s. The hub's client itself ends a connection on which nothing comes."""


def call(request: Mapping[str, Any], ws: Workspace[Any], report_progress: Callable[[float], None]) -> Any:
    """The transcriber's answer. Raises Unavailable when the model can't be loaded, else as `process.run`."""
    return _answer(
        {**request, "settings": asdict(ws.settings)}, ws.scratch, ws.limits, ws.stop, report_progress
    )


def fetch_model(model: str, limits: Limits) -> Path:
    """The folder of a model in the cache; fetched unless it is there. Raises Unavailable when that fails."""
    patient = replace(limits, stall_seconds=_LONGEST_FETCH_SECONDS)
    request = {"do": "fetch", "settings": {"model": model}}
    with tempfile.TemporaryDirectory(prefix="vlogd-") as folder:
        answer = _answer(request, Path(folder), patient, Never(), lambda _share: None)
    return Path(answer["folder"])


def _answer(
    request: Mapping[str, Any],
    folder: Path,
    limits: Limits,
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
        process.run(
            [sys.executable, "-m", _MODULE, str(request_path)], limits=unbounded, stop=stop, on_line=on_line
        )
    except ToolFailed as error:
        if missing_model:
            raise Unavailable(missing_model[-1]) from error
        raise
    return json.loads(answer_path.read_bytes())
