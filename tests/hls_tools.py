"""Publishes a source by the real stages and looks at what came of it with somebody else's tools."""

import subprocess
from pathlib import Path

import m3u8
from stage_driver import run_stage

from vlogd.core.settings import NoSettings
from vlogd.stages.contract import Work
from vlogd.stages.hls.ladder import HlsSettings, Rung
from vlogd.stages.pipeline import HLS, PROBE

SETTINGS = HlsSettings(
    ladder=(Rung(height=108, max_kbps=800), Rung(height=54, max_kbps=300)),
    segment_seconds=2, gop_seconds=1, chunk_seconds=4, preset="ultrafast", copy="never", skip_similar=False,
)  # fmt: skip


def publish(source: Path, tmp_path: Path, settings: HlsSettings = SETTINGS) -> Work:
    """Probe and hls of `source`."""
    probed = run_stage(PROBE, source, {}, NoSettings(), tmp_path)
    return run_stage(HLS, source, {"probe": probed.folder}, settings, tmp_path)


def playlists(work: Work) -> m3u8.M3U8:
    """The master playlist, read by a library of somebody else's."""
    return m3u8.loads((work.folder / "master.m3u8").read_text())


def check_playlists(work: Work) -> None:
    """The rules that hold for every stream: whole, VOD, same cuts, ffmpeg finds no fault."""
    master = playlists(work)
    lengths = []
    for uri in [p.uri for p in master.playlists] + [m.uri for m in master.media]:
        media = m3u8.loads((work.folder / uri).read_text())
        assert media.is_endlist
        assert media.playlist_type == "vod"
        assert all(round(segment.duration) <= media.target_duration for segment in media.segments)
        assert all((work.folder / uri).parent.joinpath(segment.uri).exists() for segment in media.segments)
        lengths.append((len(media.segments), sum(segment.duration for segment in media.segments)))
    assert len({count for count, _ in lengths}) == 1
    assert max(seconds for _, seconds in lengths) - min(seconds for _, seconds in lengths) < 0.05
    command = [
        "ffmpeg",
        "-v",
        "warning",
        "-xerror",
        "-i",
        work.folder / "master.m3u8",
        "-map",
        "0",
        "-f",
        "null",
        "-",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
