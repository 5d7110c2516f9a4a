"""Which finished streams have a fault of earlier versions, so that what they lack is made.

- The target durations of the tracks differ: only the playlists are written again.
- Sound was cut off where the picture ends: the parts that are longer are made.
- Frames were thrown away because the container's frame rate is made up: the video is encoded again.

All others stay as they are. Nothing is read but small files and the frames' times.
"""

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from vlogd.core.model import Json
from vlogd.media.streaming import hls_writer, tracks
from vlogd.media.streaming.tracks import MEDIA, STREAM, Track
from vlogd.stages import artifacts
from vlogd.stages.artifacts import Probed
from vlogd.stages.hls import frame_rate, timeline
from vlogd.stages.hls.hold import LONGEST_SECONDS

_CUT_OFF_SECONDS = 1.0
"""Earlier versions noted sound that is two seconds longer than the picture at least; streams end up to a second later."""


def is_outdated(folder: Path, inputs: Mapping[str, Path], settings: Mapping[str, Json]) -> bool:
    """Whether the artifact in `folder`, made with these settings, has one of the faults."""
    probed = artifacts.read_probed(inputs["probe"])
    published = tracks.from_json(json.loads((folder / STREAM).read_bytes()))
    video = [track for track in published if track.kind == "video"]
    return (
        _has_other_target(folder, published)
        or (bool(video) and len(video) < len(published) and _is_cut_off(video[0], probed))
        or (bool(video) and _is_thinned(video[0], probed, settings))
    )


def _has_other_target(folder: Path, published: tuple[Track, ...]) -> bool:
    target = hls_writer.target_seconds(published)
    line = hls_writer.target_line(target).encode()
    return any(
        line not in (folder / track.folder / MEDIA).read_bytes().splitlines()
        for track in published
        if hls_writer.target_seconds([track]) != target
    )


def _is_cut_off(video: Track, probed: Probed) -> bool:
    if probed.audio_seconds is None:
        return False
    return _CUT_OFF_SECONDS < probed.audio_seconds - sum(video.durations) / video.timescale <= LONGEST_SECONDS


def _is_thinned(video: Track, probed: Probed, settings: Mapping[str, Json]) -> bool:
    described, most = probed.media.video, int(settings["max_frame_rate"])
    if described is None or probed.pts_path is None or not video.pictures:
        return False
    listed = Fraction(described.frame_rate)
    if timeline.keep_every(listed, most) == 1:
        return False
    rate = frame_rate.read(probed.pts_path, Fraction(described.time_base), listed)
    return video.pictures < probed.frames // timeline.keep_every(rate, most)
