"""Runs the transcriber, which is a process of its own.

It needs hundreds of megabytes that the daemon must not keep, and a crash in it must not crash the daemon.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from vlogd.core.errors import ToolFailed, Unavailable
from vlogd.media import process
from vlogd.stages.workspace import Workspace

_MODULE = "vlogd.stages.captions.transcriber"
_MODEL_IS_MISSING = "model-missing"


def call(request: Mapping[str, Any], ws: Workspace[Any], report_progress: Callable[[float], None]) -> Any:
    """The transcriber's answer. Raises Unavailable when the model can't be loaded, else as `process.run`."""
    request_path, answer_path = ws.scratch / "request.json", ws.scratch / "answer.json"
    settings = asdict(ws.settings)
    request_path.write_text(json.dumps({**request, "settings": settings, "answer": str(answer_path)}))
    missing_model: list[str] = []

    def on_line(line: str) -> None:
        kind, _, rest = line.partition(" ")
        if kind == "progress":
            report_progress(float(rest))
        elif kind == _MODEL_IS_MISSING:
            missing_model.append(rest)

    # No bound for memory: CUDA and onnxruntime reserve far more address space than they use.
    limits = replace(ws.limits, memory_bytes=0)
    try:
        process.run(
            [sys.executable, "-m", _MODULE, str(request_path)], limits=limits, stop=ws.stop, on_line=on_line
        )
    except ToolFailed as error:
        if missing_model:
            raise Unavailable(missing_model[-1]) from error
        raise
    return json.loads(answer_path.read_bytes())
