"""Descriptions of made-up files, for tests that need no file."""

import json
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlogd.media.ffprobe import AudioStream, Media, VideoStream
from vlogd.stages.artifacts import KEYS


def video(**changed: Any) -> VideoStream:
    """A standard 1080p stream."""
    values: dict[str, Any] = {
        "index": 0, "codec": "h264", "profile": "High", "width": 1920, "height": 1080, "sample_aspect": "1/1", "rotation": 0,
        "pixel_format": "yuv420p", "frame_rate": "25/1", "time_base": "1/1000", "start_pts": 0, "field_order": "progressive",
        "color_transfer": "bt709", "color_primaries": "bt709", "color_space": "bt709", "color_range": "tv", "b_frames": 0,
        "bit_rate": None, "level": 40, "turned": False,
    }  # fmt: skip
    return VideoStream(**{**values, **changed})


def audio(**changed: Any) -> AudioStream:
    """A stereo track."""
    values: dict[str, Any] = {
        "index": 1, "codec": "aac", "sample_rate": 48_000, "channels": 2, "channel_layout": "stereo", "language": "",
        "title": "", "default": False, "bit_rate": None,
    }  # fmt: skip
    return AudioStream(**{**values, **changed})


def media(**changed: Any) -> Media:
    """A file of ten seconds with such a video and one audio track."""
    values: dict[str, Any] = {
        "format": "mov,mp4,m4a,3gp,3g2,mj2", "duration_seconds": 10.0, "start_seconds": 0.0, "size_bytes": 1000,
        "bit_rate": None, "video": video(), "cover_index": None, "audio": (audio(),), "subtitles": (), "chapters": (),
        "tags": {},
    }  # fmt: skip
    return Media(**{**values, **changed})


def write_probe(
    folder: Path,
    described: Media,
    times: Sequence[int] = (),
    keys: Sequence[tuple[int, int]] = (),
    **scan: Any,
) -> Path:
    """An artifact of probe, as if the file had been scanned: frame `times` and `keys` in ticks of its time base."""
    folder.mkdir(parents=True)
    summary = {
        "frames": len(times),
        "times_are_known": True,
        "remux_first": False,
        "keys": bool(keys),
        **scan,
    }
    content = {"media": described.to_json(), "scan": summary}
    (folder / "probe.json").write_text(json.dumps(content))
    if times:
        (folder / "video.pts").write_bytes(array("q", times).tobytes())
    if keys:
        (folder / KEYS).write_bytes(array("q", [number for pair in keys for number in pair]).tobytes())
    return folder


def steady(seconds: float, frames_a_second: int = 25) -> list[int]:
    """The times of frames at a constant rate, in milliseconds."""
    return [number * 1000 // frames_a_second for number in range(round(seconds * frames_a_second))]
