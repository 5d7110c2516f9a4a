"""Feeds mutated files to everything that parses bytes from people inside the daemon's own process.

`python tests/fuzz.py [N] [SEED]` (or scripts/fuzz) runs N inputs. Nothing may hang, raise what its caller does not
expect, or take memory beyond a bound, whatever the input says. A failing input is kept, and the report names it.
"""

import io
import random
import signal
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from unittest.mock import patch

import boxes
from boxes import box, fragment, full_box, init_segment, movie, run
from taking import is_whole

from vlogd.media import isobmff, mp4_index, packets, webvtt
from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.media.isobmff import BoxError
from vlogd.media.process import Limits
from vlogd.media.streaming import codecs, fragment_reader, hls_reader
from vlogd.media.streaming.frame_times import Mismatch, decode_times
from vlogd.media.streaming.hls_reader import Unreadable

LONGEST_SECONDS = 60.0
"""For one input. Each takes about a millisecond; the rest is for a machine that is busy with other tests."""
MOST_BYTES = 64 << 20
"""What one input of some kilobytes may allocate, measured for one in `MEASURED_EACH`: measuring slows down."""
MEASURED_EACH = 50

INTERESTING = (0, 1, 2, 4, 7, 8, 9, 15, 16, 17, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORDS = (
    b"0",
    b"-1",
    b"nan",
    b"inf",
    b"1e309",
    b"9" * 30,
    b"0x0",
    b"",
    b'"',
    b"@",
    b"../../x",
    b"//[",
    b"%00",
    b"http://x/",
)

MASTER = b"""#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",LANGUAGE="en",NAME="English",DEFAULT=YES,URI="index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=4500,AVERAGE-BANDWIDTH=4500,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=192x108,FRAME-RATE=25.000,AUDIO="a"
index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=4500,CODECS="avc1.640028",RESOLUTION=192x108,URI="iframes.m3u8"
"""
MEDIA = b"""#EXTM3U
#EXT-X-TARGETDURATION:1
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="init.mp4"
#EXTINF:0.200,
0.m4s
#EXT-X-GAP
#EXTINF:0.200,
#EXT-X-BYTERANGE:100@0
1.m4s
#EXT-X-KEY:METHOD=NONE
#EXT-X-DISCONTINUITY
#EXT-X-ENDLIST
"""
VTT = b"\xef\xbb\xbfWEBVTT - title\r\n\r\n00:00.000 --> 00:09.000 align:start\r\nhello &amp; <b>you</b>\n"
PLAN = (
    b'{"format": 1, "tracks": [{"kind": "video", "folder": "", "timescale": 90000, "durations": [[18000, 2]], '
    b'"rate": {"peak": 1, "average": 1}, "iframes": [[0, 100]]}]}'
)
PACKETS = b"0,100,48,K_\n3600,100,148,__\nN/A,100,N/A,K\n-5,x,y,KD\n1,0.5,0.02,10,99\n1,0.52,N/A,10,109\n"
MATROSKA = b"\x1aE\xdf\xa3\x84\x42\x82\x81w\x18\x53\x80\x67\x01\x00\x00\x00\x00\x00\x00\x08" + b"\1" * 8
OPTIONS = CheckOptions(Limits(), decode="none")


class Hang(BaseException):
    """An input took too long. No `except Exception` of the code under test may catch it."""


@dataclass(frozen=True)
class Target:
    """One parser: what it is called with, what it may raise, and files to begin from."""

    name: str
    parse: Callable[[bytes, Path], object]
    seeds: Sequence[bytes]
    may_raise: tuple[type[Exception], ...] = ()
    is_text: bool = False


def _file(parse: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    """A parser of files as one of bytes."""

    def with_file(data: bytes, folder: Path) -> object:
        path = folder / "input"
        path.write_bytes(data)
        return parse(path)

    return with_file


def _walk(data: bytes, _folder: Path) -> None:
    view = memoryview(data)
    for found in isobmff.walk(view):
        assert found.start < found.body_start <= found.end <= len(data)
        with suppress(BoxError):
            isobmff.child(view[found.body_start : found.end], b"trak", b"mdia", b"minf", b"stbl", b"stsd")
        with suppress(BoxError):
            isobmff.timescale_of(view[found.body_start : found.end])


def _index(path: Path) -> None:
    table = mp4_index.read(path, 0)
    mp4_index.is_plain(path)
    if table is not None:
        assert len(table.pts) == len(table.sizes) == len(table.positions) <= path.stat().st_size
        table.gops_are_closed()
        mp4_index.key_frames_are_idr(path, table)


def _fragments(data: bytes, _folder: Path) -> None:
    file = io.BytesIO(data)
    for found, after in fragment_reader.fragments(file, 0):
        assert len(found.pts) == len(found.sizes) == len(found.sync) <= 2 * len(data)
        assert after <= len(data)
        if found.pts:
            with suppress(Mismatch):
                decode_times(found.pts)
    fragment_reader.is_whole(file, 0, len(data))


def _init(data: bytes, _folder: Path) -> None:
    codecs.codec(data)
    init = fragment_reader.init_bytes(io.BytesIO(data))
    assert codecs.init_track(init).timescale > 0


def _playlist(path: Path) -> None:
    with suppress(Unreadable):
        hls_reader.master(path)
    playlist = hls_reader.media(path, path.parent)
    for segment in playlist.segments:
        assert 0 <= segment.seconds < float("inf")
        assert segment.path is None or segment.path.is_relative_to(path.parent.resolve())


def _published(name: str) -> Callable[[bytes, Path], object]:
    """A whole stream with one mutated file, checked."""

    def checked(data: bytes, folder: Path) -> object:
        whole = {
            "master.m3u8": MASTER, "index.m3u8": MEDIA, "iframes.m3u8": MEDIA, "init.mp4": init_segment(),
            "0.m4s": fragment(), "1.m4s": fragment(time=918_000), "stream.json": PLAN,
        }  # fmt: skip
        for file, content in {**whole, name: data}.items():
            (folder / file).write_bytes(content)
        return check.stream(folder / "master.m3u8", OPTIONS)

    return checked


def _webvtt(data: bytes, _folder: Path) -> None:
    mapped = webvtt.with_timestamp_map(data, 900_000)
    assert b"\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n" in mapped
    assert len(mapped) < len(data) + 100


def _packet_lines(data: bytes, _folder: Path) -> None:
    for scan in (packets.PacketScan(), packets.AudioScan()):
        for line in data.decode("utf-8", "replace").splitlines():
            scan.add(line)


MP4_SEEDS = [
    movie(), movie(4, ctts=boxes.table(b"ctts", (1, 7200), (3, 0))), MATROSKA,
    box(b"ftyp", b"qt  ") + boxes.long_box(b"mdat", b"frames") + box(b"moov", b"\1" * 9),
]  # fmt: skip
FRAGMENT_SEEDS = [
    fragment(), fragment() + fragment(time=918_000), fragment(trun=run(3)), fragment(trun=run(2, 0xF01, *range(9))),
    fragment(tfhd=full_box(b"tfhd", 0, 0x39, bytes(4), b"\0" * 7 + b"\5" + b"\0\0\0\1" * 4)),
]  # fmt: skip

TARGETS = [
    Target("boxes", _walk, [*MP4_SEEDS, *FRAGMENT_SEEDS, init_segment()], (BoxError,)),
    Target("sample table", _file(_index), MP4_SEEDS),
    Target("completeness", _file(is_whole), MP4_SEEDS),
    Target("fragments", _fragments, FRAGMENT_SEEDS, (BoxError,)),
    Target(
        "init segment",
        _init,
        [init_segment(), init_segment(entry=boxes.aac_entry(), kind=b"soun")],
        (BoxError,),
    ),
    Target("playlist", _file(_playlist), [MASTER, MEDIA], (Unreadable,), is_text=True),
    Target("WebVTT", _webvtt, [VTT], is_text=True),
    Target("packet lines", _packet_lines, [PACKETS], is_text=True),
    Target("published segment", _published("1.m4s"), FRAGMENT_SEEDS),
    Target("published init segment", _published("init.mp4"), [init_segment()]),
    Target("published playlist", _published("index.m3u8"), [MEDIA], is_text=True),
    Target("published master playlist", _published("master.m3u8"), [MASTER], is_text=True),
    Target("published plan", _published("stream.json"), [PLAN], is_text=True),
]
SHARES = {"published": 1, "playlist": 3}
"""How often a target has its turn, by the first word of its name; 12 unless said. Slow ones have few."""


def mutated(seed: bytes, chance: random.Random, *, is_text: bool) -> bytes:
    """One to six changes of `seed`."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        position = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[position : position + 4] = chance.choice(INTERESTING).to_bytes(4, "big")
            case 1:
                data[position : position + 1] = chance.randbytes(1)
            case 2:
                del data[position : position + chance.randrange(1, 40)]
            case 3:
                data[position:position] = data[position : position + chance.randrange(1, 200)]
            case 4 if is_text:
                words = data.replace(b"=", b" ").replace(b":", b" ").replace(b",", b" ").split()
                data = data.replace(chance.choice(words or [b"#"]), chance.choice(WORDS), 1)
            case 4:
                data = _other_size(data, chance)
            case _:
                del data[chance.randrange(len(data) + 1) :]
                data += chance.randbytes(chance.randrange(20))
    return bytes(data[:20_000])


def _other_size(data: bytearray, chance: random.Random) -> bytearray:
    """Another size, or first number, for some box: what stands before, or behind, four letters."""
    letters = [at for at in range(4, len(data) - 4) if data[at : at + 4].isalpha()]
    if letters:
        at = chance.choice(letters) + chance.choice((-4, 4, 8, 12))
        data[at : at + 4] = chance.choice(INTERESTING).to_bytes(4, "big")
    return data


def fuzz(inputs: int, seed: int, folder: Path) -> dict[str, int]:
    """Feed so many inputs. The answer: how many each target parsed. Raises AssertionError naming a failing one."""
    turns = [target for target in TARGETS for _ in range(SHARES.get(target.name.split()[0], 12))]
    parsed = dict.fromkeys((target.name for target in TARGETS), 0)
    chance = random.Random(seed)
    previous = signal.signal(signal.SIGALRM, _hang)
    no_ffprobe = patch("vlogd.media.ffmpeg.probe_lines", _lists_no_packet)
    no_ffprobe.start()
    try:
        for number in range(inputs):
            target = turns[number % len(turns)]
            data = mutated(chance.choice(target.seeds), chance, is_text=target.is_text)
            try:
                _feed(target, data, folder, measured=number % MEASURED_EACH == 0)
            except BaseException as error:
                kept = Path(tempfile.gettempdir()) / f"vlogd-fuzz-{seed}-{number}"
                kept.write_bytes(data)
                raise AssertionError(
                    f"{target.name}: {type(error).__name__}: {error}; input {kept}"
                ) from error
            parsed[target.name] += 1
    finally:
        no_ffprobe.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    return parsed


def _feed(target: Target, data: bytes, folder: Path, *, measured: bool) -> None:
    signal.setitimer(signal.ITIMER_REAL, LONGEST_SECONDS)
    if measured:
        tracemalloc.start()
    try:
        with suppress(*target.may_raise):
            target.parse(data, folder)
        if measured:
            _, peak = tracemalloc.get_traced_memory()
            assert peak < MOST_BYTES, f"{peak >> 20} MiB for {len(data)} bytes"
    finally:
        if measured:
            tracemalloc.stop()


def _lists_no_packet(*_arguments: object, **_options: object) -> None:
    """In place of ffprobe, a process of its own: what parses in this one is under test."""


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise Hang(f"more than {LONGEST_SECONDS} s")


def main() -> None:
    """N inputs from SEED on; without SEED another one each time."""
    inputs = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, count in fuzz(inputs, seed, Path(folder)).items():
            print(f"{count:9d} {name}")


if __name__ == "__main__":
    main()
