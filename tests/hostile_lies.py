"""Real clips whose containers lie: about lengths, times, codecs, keys, sizes, or data that is not there."""

import struct
from pathlib import Path

from clips import ffmpeg, stamped

YEARS = 10_000 * 365.25 * 86_400


def replaced(data: bytes, kind: bytes, offset: int, new: bytes, nth: int = 0) -> bytes:
    """`data` with `new` at `offset` bytes behind the `nth` occurrence of `kind`."""
    at = -1
    for _ in range(nth + 1):
        at = data.index(kind, at + 1)
    at += len(kind) + offset
    return data[:at] + new + data[at + len(new) :]


def make(folder: Path) -> dict[str, bytes]:
    """All of them; `folder` is for the clips that they are made of."""
    return {**_mp4(folder), **_sound(folder), **_matroska(folder), **_others(folder), **_gaps(folder)}


def _clip(folder: Path, name: str, *options: str, **values: object) -> bytes:
    path = folder / f"whole-{name}"
    stamped(path, *options, **{"seconds": 1, "size": "96x54", **values})  # type: ignore[arg-type]  # stamped's own
    data = path.read_bytes()
    path.unlink()
    return data


def _tone(folder: Path, name: str, *options: str, seconds: int = 6) -> bytes:
    path = folder / f"whole-{name}"
    ffmpeg("-f", "lavfi", "-i", f"sine=d={seconds}:r=44100", *options, path)
    data = path.read_bytes()
    path.unlink()
    return data


def _mp4(folder: Path) -> dict[str, bytes]:
    silent = _clip(folder, "silent.mp4", "-movflags", "+faststart", sound=False)
    both = _clip(folder, "both.mp4", "-movflags", "+faststart")
    body = silent.index(b"mdat") + 4
    protected = silent.replace(b"avc1", b"encv", 2).replace(b"encv", b"avc1", 1)
    entry = silent.index(b"avc1", silent.index(b"stsd"))
    return {
        "hollow-picture.mp4": silent[:body] + bytes(len(silent) - body),
        "no-body.mp4": silent[:body],
        "no-head.mp4": silent[body - 8 :],
        "two-heads.mp4": silent[: body - 8] + silent,
        "unknown-picture.mp4": silent[:entry] + b"xxxx" + silent[entry + 4 :].replace(b"avcC", b"free"),
        "unknown-both.mp4": both.replace(b"avcC", b"free").replace(b"esds", b"free").replace(b"avc1", b"xxxx"),
        "protected.mp4": protected.replace(b"avcC", b"free"),
        "fairplay.mp4": silent[:entry] + b"drmi" + silent[entry + 4 :].replace(b"avcC", b"free"),
        "no-parameters.mp4": silent.replace(b"avcC", b"free"),
        "no-size.mp4": replaced(silent, b"avc1", 24, bytes(4), 1),
        "slow-frames.mp4": replaced(silent, b"stts", 12, b"\x7f\xff\xff\xff"),
        "no-frames.mp4": replaced(silent, b"stts", 4, bytes(4)),
        "far-edit.mp4": replaced(silent, b"elst", 12, b"\x7f\xff\xff\xff"),
        "back-edit.mp4": replaced(silent, b"elst", 12, b"\x80\0\0\0"),
        "edits.mp4": replaced(silent, b"elst", 4, b"\x7f\xff\xff\xff"),
        "no-clock.mp4": replaced(silent, b"mdhd", 12, bytes(4)),
        "fast-clock.mp4": replaced(silent, b"mdhd", 12, b"\xff\xff\xff\xff"),
        "slow-clock.mp4": replaced(silent, b"mdhd", 12, b"\0\0\0\x01"),
        "entries.mp4": replaced(silent, b"stsd", 4, b"\x7f\xff\xff\xff"),
        "turned.mp4": replaced(silent, b"tkhd", 40, b"\xff" * 36),
        "no-handler.mp4": silent.replace(b"vide", b"hint"),
        "box-sizes.mp4": silent.replace(struct.pack(">I", len(silent)), bytes(4)) + struct.pack(">I4sQ", 1, b"mdat", 1 << 62),
        "negative.mp4": box_before(silent, b"moov", b"\xff\xff\xff\xff"),
    }  # fmt: skip


def box_before(data: bytes, kind: bytes, size: bytes) -> bytes:
    """`data` with another size for the first box of this kind."""
    at = data.index(kind) - 4
    return data[:at] + size + data[at + 4 :]


def _sound(folder: Path) -> dict[str, bytes]:
    tone = _tone(folder, "tone.m4a", "-c:a", "aac", "-movflags", "+faststart")
    body = tone.index(b"mdat") + 4
    lies = replaced(replaced(tone, b"mvhd", 16, b"\x7f\xff\xff\xff"), b"tkhd", 20, b"\x7f\xff\xff\xff")
    unknown = replaced(tone, b"stsd", 12, b"ac-4").replace(b"esds", b"free")
    flac = _tone(folder, "tone.flac")
    wav = _tone(folder, "tone.wav", seconds=3)
    return {
        "half.m4a": tone[: len(tone) // 2],
        "aeons.m4a": lies,
        "hollow.m4a": tone[:body] + bytes(len(tone) - body),
        "no-body.m4a": tone[:body],
        "unknown.m4a": unknown,
        "spatial.m4a": replaced(tone, b"stsd", 12, b"mhm1").replace(b"esds", b"free"),
        "protected.m4a": replaced(tone, b"stsd", 12, b"drms").replace(b"esds", b"free"),
        "long-frames.m4a": replaced(tone, b"stts", 12, b"\x7f\xff\xff\xff"),
        "no-rate.m4a": replaced(tone, b"mp4a", 24, bytes(4)),
        "half.flac": flac[: len(flac) // 2],
        "holes.flac": flac[:9000] + bytes(len(flac) // 3) + flac[9000 + len(flac) // 3 :],
        "aeons.wav": replaced(wav, b"data", 0, b"\xff\xff\xff\x7f"),
        "half.wav": wav[: len(wav) // 2],
        "damaged.mp3": _tone(folder, "tone.mp3", seconds=3)[:4000] + bytes(9000),
        "damaged.opus": _tone(folder, "tone.opus", seconds=3)[:6000] + b"\xff" * 3000,
    }


def _matroska(folder: Path) -> dict[str, bytes]:
    both, silent = _clip(folder, "both.mkv"), _clip(folder, "silent.mkv", sound=False)
    tone = _tone(folder, "tone.mka", "-c:a", "flac", seconds=3)
    aeons = struct.pack(">d", YEARS * 1000)
    subtitle = folder / "whole.srt"
    subtitle.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    words = folder / "whole-words.mkv"
    ffmpeg("-i", subtitle, words)
    cover = folder / "whole-cover.mka"
    ffmpeg("-f", "lavfi", "-i", "color=s=64x64:d=1", "-frames:v", "1", "-c:v", "mjpeg", "-f", "matroska",
           "-disposition:v", "attached_pic", cover)  # fmt: skip
    made = {
        "aeons.mkv": replaced(both, b"\x44\x89\x88", 0, aeons),
        "aeons.mka": replaced(tone, b"\x44\x89\x88", 0, aeons),
        "never.mkv": replaced(silent, b"\x44\x89\x88", 0, struct.pack(">d", float("nan"))),
        "ever.mkv": replaced(silent, b"\x44\x89\x88", 0, struct.pack(">d", float("inf"))),
        "before.mkv": replaced(silent, b"\x44\x89\x88", 0, struct.pack(">d", -1e18)),
        "unknown-picture.mkv": both.replace(b"V_MPEG4/ISO/AVC", b"V_XXXXX/ISO/AVC"),
        "unknown-sound.mkv": both.replace(b"A_VORBIS", b"A_XXXXXX"),
        "unknown.mka": tone.replace(b"A_FLAC", b"A_XXXX"),
        "another.mka": tone.replace(b"A_FLAC", b"A_MLP\0"),
        "another.mkv": both.replace(b"V_MPEG4/ISO/AVC", b"V_MPEGH/ISO/HEV")[:-1],
        "clock.mkv": silent.replace(b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\0\0\x01"),
        "late.mkv": replaced(
            silent, b"\x1f\x43\xb6\x75", _cluster_time(silent), b"\xe7\x88\x0f" + b"\xff" * 6
        ),
        "half.mkv": silent[: len(silent) // 2],
        "no-head.mkv": silent[len(silent) // 2 :],
        "words.mkv": words.read_bytes(),
        "cover.mka": cover.read_bytes(),
    }
    for path in (subtitle, words, cover):
        path.unlink()
    return made


def _cluster_time(data: bytes) -> int:
    """Where the first cluster's timestamp is, from behind its id."""
    at = data.index(b"\x1f\x43\xb6\x75") + 4
    return data.index(b"\xe7", at) - at


def _others(folder: Path) -> dict[str, bytes]:
    avi = _clip(folder, "clip.avi", "-c:v", "mpeg4", sound=False)
    stream = _clip(folder, "clip.ts", sound=False)
    flash = _clip(folder, "clip.flv", sound=False)
    program = _clip(folder, "clip.mpg", "-c:v", "mpeg2video", sound=False)
    return {
        "no-rate.avi": replaced(avi, b"avih", 4, bytes(4)),
        "rate.avi": replaced(avi, b"vids", 16, b"\x01\0\0\0\xff\xff\xff\x7f"),
        "slow.avi": replaced(avi, b"vids", 16, b"\xff\xff\xff\x7f\x01\0\0\0"),
        "frames.avi": replaced(avi, b"vids", 28, b"\xff\xff\xff\x7f"),
        "codec.avi": avi.replace(b"FMP4", b"XXXX"),
        "no-index.avi": avi[: avi.rindex(b"idx1")],
        "half.ts": stream[: len(stream) // 2],
        "shifted.ts": stream[50:],
        "late.flv": flash[:-400] + b"\x7f\xff\xff" + flash[-397:],
        "half.mpg": program[: len(program) // 2],
    }


def _gaps(folder: Path) -> dict[str, bytes]:
    """Frames that are hours apart: a few hours are published, more are not."""
    made = {}
    for name, hours in (("hours.mp4", 4), ("hours.mkv", 14), ("days.mp4", 24 * 100)):
        path = folder / f"whole-{name}"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=1:d=2", "-vf", f"setpts=N*{hours}*3600/TB", "-fps_mode", "vfr",
               "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", *_TIMES.get(name[-3:], ()), path)  # fmt: skip
        made[name] = path.read_bytes()
        path.unlink()
    return made


_TIMES = {"mp4": ("-video_track_timescale", "100")}
"""Clocks in which hours have a number of 32 bits."""
