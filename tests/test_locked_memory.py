"""Somebody who only made the file takes no more memory than a film of that size may: each in a process of its own."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from boxes import FRAME_BYTES, full_box, movie, table
from clips import ffmpeg
from daemon import Home

_MEASURED = """
import resource, sys, threading
from array import array
from fractions import Fraction
from pathlib import Path
from vlogd.core.errors import BadInput
from vlogd.core.model import File, Item
from vlogd.core.settings import NoSettings
from vlogd.media import ffprobe, mp4_index
from vlogd.media.packets import PacketScan
from vlogd.media.process import Limits
from vlogd.stages.hls import plan
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.pipeline import PROBE
from vlogd.stages.workspace import Workspace
folder = Path(sys.argv[1])
def most_kibibytes():  # of this process; ru_maxrss also counts its parent's before exec (getrusage(2))
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = most_kibibytes()
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
{code}
print((most_kibibytes() - before) >> 10)
"""

_PROBE = """
item = Item("0" * 16, "a", "a", "", File("a.mp4"), "", 0, 0.0)
(folder / "scratch").mkdir()
probed = folder / "probe"
ws = Workspace(item, folder / "film.m4a", {}, NoSettings(), {}, probed, folder / "scratch", folder / "cache", Limits(memory_bytes=2 << 30),
               threading.Event())
try:
    PROBE.run(PROBE.parts(None)[0], ws)
    # probed
    print(len(plan.read(probed, folder, {}, HlsSettings(segment_seconds=2)).boundaries) - 1)
except BadInput as error:
    print(error)
"""

_LONG = """
    import json
    content = json.loads((probed / "probe.json").read_text())
    content["media"]["duration_seconds"] = 360_000.0
    (probed / "probe.json").write_text(json.dumps(content))
"""


def measured(folder: Path, code: str) -> list[str]:
    """What the code prints, in a new process; the last line is how many MiB its memory grew at most."""
    command = [sys.executable, "-c", _MEASURED.replace("{code}", code), folder]
    child = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert child.returncode == 0, child.stderr
    return child.stdout.splitlines()


def claiming(path: Path, seconds: int) -> Path:
    """A second of sound whose headers say that it lasts so long."""
    plain = path.with_name("plain.m4a")
    ffmpeg("-f", "lavfi", "-i", "sine=d=1:r=8000", "-use_editlist", "0", plain)
    data = bytearray(plain.read_bytes())
    movie_header = data.index(b"mvhd") + 4
    struct.pack_into(">II", data, movie_header + 12, 1, seconds)
    track_header = data.index(b"tkhd") + 4
    struct.pack_into(">I", data, track_header + 20, seconds)
    media_header = data.index(b"mdhd") + 4
    struct.pack_into(">II", data, media_header + 12, 1, seconds)
    path.write_bytes(data)
    return path


def test_a_second_that_claims_to_be_68_years(tmp_path: Path) -> None:
    """It is refused before a segment is planned, by a sentence that names the limit."""
    claiming(tmp_path / "film.m4a", 0x7FFFFFFF)
    sentence, mebibytes = measured(tmp_path, _PROBE)
    assert "vlogd takes at most 100" in sentence
    assert int(mebibytes) < 100


def test_a_hundred_hours_are_planned(tmp_path: Path) -> None:
    """In segments of two seconds, which need little."""
    ffmpeg("-f", "lavfi", "-i", "sine=d=1:r=8000", tmp_path / "film.m4a")
    segments, mebibytes = measured(tmp_path, _PROBE.replace("# probed", _LONG))
    assert int(segments) == 180_000
    assert int(mebibytes) < 200


def test_the_daemon_refuses_it(tmp_path: Path) -> None:
    """The file goes to `_failed`, with the sentence."""
    home = Home(tmp_path / "home")
    claiming(home.inbox / "film.m4a", 0x7FFFFFFF)
    (home.inbox / "plain.m4a").unlink()
    assert home.once().returncode == 1
    assert "at most 100" in (home.inbox / "_failed/film.m4a.txt").read_text()


@pytest.mark.parametrize("keys", ["none", "all"])
def test_tables_of_a_large_film(keys: str, tmp_path: Path) -> None:
    """Two million frames, a row of each table for each: 56 MiB of tables, as many key frames as frames, all in one place."""
    count = 2_000_000
    each = struct.pack(">II", 1, 1500) * count
    data = movie(
        1,
        stts=full_box(b"stts", 0, 0, struct.pack(">I", count), each),
        ctts=full_box(b"ctts", 0, 0, struct.pack(">I", count), each),
        stsz=full_box(b"stsz", 0, 0, struct.pack(">II", 0, count), struct.pack(">I", FRAME_BYTES) * count),
        stsc=table(b"stsc", (1, 1, 1)),
        stco=full_box(b"stco", 0, 0, struct.pack(">I", count), struct.pack(">I", 32) * count),
        stss=full_box(b"stss", 0, 0, struct.pack(f">I{count}I", count, *range(1, count + 1)))
        if keys == "all"
        else b"",
    )
    (tmp_path / "film.mp4").write_bytes(data)
    code = """
found = mp4_index.read(folder / "film.mp4", 0)
print(len(found.pts), len(found.keys), found.gops_are_closed())
"""
    answer, mebibytes = measured(tmp_path, code)
    assert answer == f"{count} {count} True"
    assert int(mebibytes) < 160


LIES = {
    "more chunks than samples": {"stco": full_box(b"stco", 0, 0, struct.pack(">I", 3_000_000), bytes(12_000_000))},
    "4 billion frames in rows": {"stts": table(b"stts", *[(0xFFFFFFFF, 1)] * 1000)},
    "4 billion composition offsets": {"ctts": table(b"ctts", *[(0xFFFFFFFF, 1)] * 1000)},
    "4 billion sizes": {"stsz": full_box(b"stsz", 0, 0, struct.pack(">II", 0, 0xFFFFFFFF))},
    "4 billion samples of one size": {"stsz": full_box(b"stsz", 0, 0, struct.pack(">II", 1, 0xFFFFFFFF))},
    "more kinds of chunks than chunks": {"stsc": full_box(b"stsc", 0, 0, struct.pack(">I", 3_000_000), bytes(36_000_000))},
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_tables_that_claim_what_is_not_there(name: str, tmp_path: Path) -> None:
    """Nothing is made of a number before it is held to the file."""
    (tmp_path / "film.mp4").write_bytes(movie(**LIES[name]))
    answer, mebibytes = measured(tmp_path, 'print(mp4_index.read(folder / "film.mp4", 0))')
    assert answer == "None"
    assert int(mebibytes) < 80


def test_millions_of_packets(tmp_path: Path) -> None:
    """Their times are kept as eight bytes each, also while they are sorted."""
    code = """
scan = PacketScan()
for number in range(2_000_000):
    scan.add(f"{number ^ 3},1,10,100,K__")
print(len(scan.times()))
"""
    answer, mebibytes = measured(tmp_path, code)
    assert answer == "2000000"
    assert int(mebibytes) < 60
