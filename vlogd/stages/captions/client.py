"""Asks the transcriber, which runs as a process of its own.

It needs hundreds of megabytes that the daemon must not hold, and whatever happens in it ends there.
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


def ask(request: Mapping[str, Any], ws: Workspace[Any], tell_progress: Callable[[float], None]) -> Any:
    """The transcriber's answer. Raises Unavailable when the model can't be loaded, else as `process.run`."""
    asked, answered = ws.scratch / "request.json", ws.scratch / "answer.json"
    asked.write_text(json.dumps({**request, "settings": asdict(ws.settings), "answer": str(answered)}))
    said: list[str] = []

    def hear(line: str) -> None:
        kind, _, rest = line.partition(" ")
        if kind == "progress":
            tell_progress(float(rest))
        elif kind == _MODEL_IS_MISSING:
            said.append(rest)

    # CUDA and onnxruntime reserve far more address space than they use.
    limits = replace(ws.limits, memory_bytes=0)
    try:
        process.run([sys.executable, "-m", _MODULE, str(asked)], limits=limits, stop=ws.stop, on_line=hear)
    except ToolFailed as error:
        if said:
            raise Unavailable(said[-1]) from error
        raise
    return json.loads(answered.read_bytes())
