"""Files that are no video, by their beginnings: what people drop by mistake, and headers of media with nothing behind.

Those of the second kind claim absurd rates, sizes and numbers of channels. Every file is a few hundred bytes.
"""

import random
import struct

FILL = random.Random(7).randbytes(600)


def box(kind: bytes, payload: bytes = b"") -> bytes:
    """A box of an MP4 (ISO/IEC 14496-12, 4.2)."""
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def _riff(kind: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    body = kind + b"".join(name + struct.pack("<I", len(data)) + data for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _wave(channels: int, rate: int, bits: int, kind: int = 1, data: bytes = FILL) -> bytes:
    align = channels * bits // 8 & 0xFFFF
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * align & 0xFFFFFFFF, align, bits)
    return _riff(b"WAVE", (b"fmt ", form), (b"data", data))


def mistakes() -> dict[str, bytes]:
    """What is something else, whatever its name says."""
    return {
        "photo.mp4": box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", FILL),
        "photo.mov": box(b"ftyp", b"avif\0\0\0\0avifmif1") + box(b"meta", FILL),
        "photo-burst.mp4": box(b"ftyp", b"msf1\0\0\0\0msf1heis") + box(b"meta", FILL),
        "camera.mp4": b"\xff\xd8\xff\xe1" + FILL,
        "web.mp4": b"RIFF\x64\0\0\0WEBPVP8 " + FILL,
        "scan.mp4": b"II*\0\x08\0\0\0" + FILL,
        "scan-motorola.mp4": b"MM\0*\0\0\0\x08" + FILL,
        "layers.mp4": b"8BPS\0\x01" + FILL,
        "new.mp4": b"\0\0\0\x0cJXL \r\n\x87\n" + FILL,
        "cinema.mp4": b"\0\0\0\x0cjP  \r\n\x87\n" + FILL,
        "paper.mp4": b"%PDF-1.7\n" + FILL,
        "office.mp4": b"PK\x03\x04\x14\0\x06\0word/document.xml" + FILL,
        "old-office.mp4": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + FILL,
        "rich.mp4": b"{\\rtf1\\ansi hello}",
        "packed.mp4": b"Rar!\x1a\x07\x01\0" + FILL,
        "packed-7.mp4": b"7z\xbc\xaf\x27\x1c\0\x04" + FILL,
        "packed-gz.mp4": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + FILL,
        "packed-bz.mp4": b"BZh91AY&SY" + FILL,
        "packed-xz.mp4": b"\xfd7zXZ\0\0\x04" + FILL,
        "packed-zst.mp4": b"\x28\xb5\x2f\xfd\x04" + FILL,
        "windows.mp4": b"MZ\x90\0" + bytes(54) + b"\x80\0\0\0" + FILL,
        "apple.mp4": b"\xcf\xfa\xed\xfe\x07\0\0\x01" + FILL,
        "java.mp4": b"\xca\xfe\xba\xbe\0\0\0\x34" + FILL,
        "shell.mp4": b"#!/bin/sh\nrm -rf /tmp/vlogd-hostile\n",
        "phone.mp4": b"SQLite format 3\0\x10\0" + FILL,
        "machine.mp4": b"QFI\xfb\0\0\0\x03" + FILL,
        "machine-vmdk.mp4": b"KDMV\x01\0\0\0" + FILL,
        "letters.mp4": b"OTTO\0\x0b\0\x80" + FILL,
        "letters-web.mp4": b"wOF2OTTO" + FILL,
        "notes.mid": b"MThd\0\0\0\x06\0\x01\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0",
        "film.mp4": b"d8:announce19:http://LISTENER/tor13:creation datei1ee",
        "utf16.mp4": "a letter in two bytes each\n".encode("utf-16") * 20,
        "latin.mp4": "grüße aus köln\n".encode("latin-1") * 20,
        "table.mp4": b"time,frame\n1,2\n" * 20,
        "data.mp4": b'{"video": {"frames": [1, 2, 3]}}',
        "feed.mp4": b'<?xml version="1.0"?><rss><channel></channel></rss>',
        "sheet.mp4": b"<!DOCTYPE html><title>404 Not Found</title>",
        "list.wpl": b'<?wpl version="1.0"?><smil><body><media src="http://LISTENER/wpl"/></body></smil>',
        "list.xspf": b'<playlist version="1"><track><location>http://LISTENER/x</location></track></playlist>',
        "smooth.mp4": b'<?xml version="1.0"?><SmoothStreamingMedia MajorVersion="2"></SmoothStreamingMedia>',
        "old.mp4": b"{1}{50}words of an old film\n{60}{90}more\n",
        "nulls.mov": bytes(3000),
        "spaces.mp4": b" " * 3000,
        "cut-name.mp4": b"\0\0\0\x18ftyp",
        "bell.mp4": b"\x07\x1b]0;title\x07" * 50,
    }  # fmt: skip


def headers() -> dict[str, bytes]:
    """The beginnings of real formats, with what no genuine file says."""
    flac = b"fLaC\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + bytes(6)
    ivf = b"DKIF\0\0\x20\0VP80"
    asf = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    return {
        "no-channels.wav": _wave(0, 48_000, 16),
        "channels.wav": _wave(65_535, 48_000, 16),
        "no-rate.wav": _wave(2, 0, 16),
        "rate.wav": _wave(2, 0xFFFFFFFF, 16),
        "bits.wav": _wave(2, 48_000, 4096),
        "codec.wav": _wave(2, 48_000, 16, kind=0x1234),
        "no-data.wav": _wave(2, 48_000, 16, data=b""),
        "one-sample.wav": _wave(1, 48_000, 16, data=b"\0\0"),
        "no-form.wav": _riff(b"WAVE", (b"data", FILL)),
        "chunks.wav": _riff(b"WAVE", *[(b"junk", b"")] * 20_000),
        "no-rate.flac": flac + bytes(12) + bytes(16) + FILL,
        "long.flac": flac + b"\x0a\xc4\x42\xff\xff\xff\xff\xff" + bytes(16) + FILL,
        "pictures.flac": b"fLaC\x06\xff\xff\xff" + FILL,
        "zero.ivf": ivf + struct.pack("<HHIIII", 0, 0, 30, 1, 1, 0) + FILL,
        "huge.ivf": ivf + struct.pack("<HHIIII", 65_535, 65_535, 30, 1, 1, 0) + FILL,
        "clock.ivf": ivf + struct.pack("<HHIIII", 64, 64, 0, 0, 0xFFFFFFFF, 0) + struct.pack("<IQ", 600, 0) + FILL,
        "zero.y4m": b"YUV4MPEG2 W0 H0 F25:1\nFRAME\n",
        "still.y4m": b"YUV4MPEG2 W2 H2 F0:0 C420jpeg\nFRAME\n" + bytes(6),
        "slow.y4m": b"YUV4MPEG2 W2 H2 F1:2000000000 C420jpeg\n" + (b"FRAME\n" + bytes(6)) * 3,
        "fast.y4m": b"YUV4MPEG2 W2 H2 F2000000000:1 C420jpeg\n" + (b"FRAME\n" + bytes(6)) * 3,
        "flash.flv": b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x12\xff\xff\xff\0\0\0\0\0\0\0\x02\0\x0aonMetaData" + FILL,
        "tags.flv": b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + b"\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\x0b" * 5000,
        "pages.ogg": b"OggS\0\x02" + b"\xff" * 8 + bytes(12) + b"\x01\x1e\x01vorbis" + bytes(23),
        "opus.ogg": b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\xff\xff\xff\0\0\0\0\0\0\xff",
        "windows.asf": asf + struct.pack("<QI", 1 << 60, 0x7FFFFFFF) + FILL,
        "windows-audio.wma": asf + bytes(14) + FILL,
        "real.rm": b".RMF\0\0\0\x12\0\0\0\0\0\0\xff\xff\xff\xff" + FILL,
        "studio.mxf": bytes.fromhex("060e2b34020501010d01020101020400") + b"\x83\xff\xff\xff" + FILL,
        "server.gxf": b"\0\0\0\0\x01\xbc\0\0\0\x20\0\0\0\0\xe1\xe2" + FILL,
        "media-centre.wtv": bytes.fromhex("b7d800203749da11a64e0007e95ead8d") + FILL,
        "tape.dv": b"\x1f\x07\0\x3f" + FILL * 200,
        "nut.nut": b"nut/multimedia container\0" + FILL,
        "apple.caf": b"caff\0\x01\0\0desc" + struct.pack(">qd4sIIIII", 32, -1.0, b"lpcm", 0, 0, 0, 0, 0) + FILL,
        "apple.aiff": b"FORM\0\0\x02\0AIFFCOMM\0\0\0\x12\xff\xff\xff\xff\xff\xff\0\x10" + bytes(10) + FILL,
        "sun.au": b".snd" + struct.pack(">IIIII", 24, 0xFFFFFFFF, 3, 0, 0) + FILL,
        "sony.w64": bytes.fromhex("726966662e91cf11a5d628db04c10000") + b"\xff" * 8 + FILL,
        "voice.amr": b"#!AMR\n" + b"\x7c" * 50,
        "monkey.ape": b"MAC \x96\x0f\0\0" + FILL,
        "true.tta": b"TTA1\x01\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0" + FILL,
        "pack.wv": b"wvpk\xff\xff\xff\x7f\x10\x04" + FILL,
        "disc.dts": b"\x7f\xfe\x80\x01" + FILL,
        "disc.ac3": b"\x0b\x77" + FILL,
        "adts.aac": b"\xff\xf1\xfc\0\0\x1f\xfc" * 60,
        "stream.mpg": b"\0\0\x01\xba\x44" + FILL,
        "pictures.m2v": b"\0\0\x01\xb3\xff\xff\xff\x1f\xff\xff\xe3\x80" + FILL,
        "parameters.h264": b"\0\0\0\x01\x67\x64\0\x0a\xac\xb2\0\0\x03\0\x02\0\0\x03\0\x02" + FILL,
        "parameters.hevc": b"\0\0\0\x01\x40\x01\x0c\x01\xff\xff" + FILL,
        "units.obu": b"\x12\0\x0a\x0b" + FILL,
        "table.ts": (b"\x47\x40\0\x10\0\0\xb0\x0d\0\x01\xc1\0\0\0\x01\xff\xff" + b"\xff" * 171) * 40,
        "scrambled.ts": (b"\x47\x41\0\xd0" + FILL[:184]) * 60,
        "empty-matroska.mkv": b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x80",
        "voids.mkv": b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + b"\x16\x54\xae\x6b\x80" * 9000,
    }  # fmt: skip
