"""`vlogd plan FILE`: what a file would become. The stages' own code probes and plans it, in a temporary folder."""

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlogd.core.model import File, Item
from vlogd.core.settings import NoSettings
from vlogd.engine.survey import survey
from vlogd.media.process import Limits
from vlogd.stages.hls import plan as hls
from vlogd.stages.hls.plans import AudioOnlyPlan, ChunkedPlan, Plan, UnindexedPlan
from vlogd.stages.pipeline import STAGES
from vlogd.stages.probe import STAGE as PROBE
from vlogd.stages.workspace import Workspace


@dataclass(frozen=True)
class DryRun:
    """What a file would become.

    `stages`: why each would run, or what it would wait for. `estimated_bytes` is an upper bound by the renditions' caps.
    """

    file: str
    duration_seconds: float
    renditions: tuple[str, ...]
    segments: int
    chunks: int
    audio: tuple[str, ...]
    stages: Mapping[str, str]
    estimated_bytes: int
    why: tuple[str, ...]


def plan(path: Path, settings: Mapping[str, Any], limits: Limits) -> DryRun:
    """What `path` would become with these settings of the stages. Raises BadInput when it is not a video."""
    item = Item("0" * 16, path.stem, path.stem, "", File(path.name), "", path.stat().st_size, 0.0)
    with tempfile.TemporaryDirectory(prefix="vlogd-plan-") as folder:
        probed = _probe(item, path, Path(folder), limits)
        planned = hls.read(probed, Path(folder), {}, settings["hls"])
    seconds = planned.media.duration_seconds
    return DryRun(
        file=str(path),
        duration_seconds=round(seconds, 3),
        renditions=tuple(f"{rendition.width}x{rendition.height}" for rendition in planned.published),
        segments=max(0, len(planned.boundaries) - 1),
        chunks=len(planned.chunks) if isinstance(planned, ChunkedPlan) else 0,
        audio=tuple(
            f"{track.name}, {track.channels} channels, {track.kbps} kbit/s" for track in planned.audio
        ),
        stages=_stages(item, settings),
        estimated_bytes=_bytes(planned, seconds),
        why=tuple(_why(planned)),
    )


def _stages(item: Item, settings: Mapping[str, Any]) -> dict[str, str]:
    """Why each stage would run, or what it would wait for, in the pipeline's order."""
    result = survey(item, STAGES, settings, ())
    reasons = {step.stage.name: step.reason for step in result.steps}
    reasons |= {name: f"it waits for {need}" for name, need in result.waiting.items()}
    return {stage.name: reasons[stage.name] for stage in STAGES if stage.name in reasons}


def _probe(item: Item, path: Path, folder: Path, limits: Limits) -> Path:
    """The artifact of probe for `path`, in `folder`."""
    scratch = folder / "scratch"
    scratch.mkdir()
    workspace = Workspace(
        item,
        path,
        {},
        NoSettings(),
        {},
        folder / "probe",
        scratch,
        folder / "cache",
        limits,
        threading.Event(),
    )
    for part in PROBE.parts(None):  # type: ignore[arg-type]  # probe's parts depend on nothing
        PROBE.run(part, workspace)
    return folder / "probe"


def _bytes(planned: Plan, seconds: float) -> int:
    kbps = sum(rendition.max_kbps for rendition in planned.published)
    kbps += sum(rendition.kbps for rendition in planned.audio)
    copied_bytes = 0
    if isinstance(planned, ChunkedPlan) and planned.copied is not None:
        copied_bytes = sum(planned.timeline.source_bytes)
    return copied_bytes + round(kbps * 1000 / 8 * seconds)


def _why(planned: Plan) -> list[str]:
    if isinstance(planned, AudioOnlyPlan):
        return ["The file has no video track; it becomes an audio stream."]
    size = "x".join(map(str, planned.video.shown_size()))
    reasons = [f"The source is displayed at {size}; no rendition is larger (judged by the short side)."]
    if isinstance(planned, ChunkedPlan) and planned.copied:
        reasons.append("The source is standard H.264: its own frames are published as the top rendition.")
    elif planned.why_no_copy:
        reasons.append(planned.why_no_copy)
    if isinstance(planned, UnindexedPlan):
        reasons.append(
            "The file has no index: it is copied to MP4 first, after which segments and chunks are known."
        )
    reasons += [
        f"{rendition.name}: {rendition.width}x{rendition.height}, {rendition.codec}, at most {rendition.max_kbps} kbit/s"
        for rendition in planned.renditions
    ]
    if planned.config.skip_similar and len(planned.renditions) > 1:
        reasons.append(
            "A rendition that is not at least a tenth smaller than the next larger one is dropped after the first chunk."
        )
    return reasons
