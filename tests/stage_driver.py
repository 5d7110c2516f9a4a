"""Drives one stage to its end without the engine: parts, receipts, view, as the daemon would."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlogd.core.model import File, Item, Receipt
from vlogd.media.process import Limits
from vlogd.stages import facts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

LIMITS = Limits(stall_seconds=120)


def item_of(original: Path) -> Item:
    """An item whose original is `original`."""
    return Item("0" * 16, original.stem, "a-video-000000", "inbox", File(original.name), "digest", 1, 0.0)


def run_stage(
    stage: Stage[Any],
    original: Path,
    inputs: Mapping[str, Path],
    settings: Any,
    tmp_path: Path,
    folder_name: str | None = None,
) -> Work[Any]:
    """Run every part of `stage`, write its final view and what later stages read of `artifact.json`; the finished work."""
    folder = tmp_path / (folder_name or f"{stage.name}-000000000000")
    folder.mkdir(parents=True, exist_ok=True)
    receipts: dict[str, Receipt] = {}
    item = item_of(original)
    while True:
        work = Work(item, folder, inputs, settings, dict(receipts))
        missing = [part for part in stage.parts(work) if part.name not in receipts]
        if not missing:
            break
        part = missing[0]
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        ws = Workspace(item, original, inputs, settings, dict(receipts), folder, scratch, tmp_path / "cache",
                       LIMITS, threading.Event())  # fmt: skip
        try:
            found = stage.run(part, ws)
        finally:
            ws.close()
        receipts[part.name] = Receipt(part.name, dict(ws.delivered), facts.to_json(found))
    done = Work(item, folder, inputs, settings, receipts, complete=True)
    view = stage.view(done, {name for receipt in receipts.values() for name in receipt.files})
    for name, data in view.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    parts = [{"part": name, "facts": receipt.facts} for name, receipt in receipts.items()]
    (folder / "artifact.json").write_text(json.dumps({"parts": parts}))
    return done
