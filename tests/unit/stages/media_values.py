"""Descriptions of made-up files, for tests that need no file."""

from typing import Any

from vlogd.media.ffprobe import AudioStream, Media, VideoStream


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
