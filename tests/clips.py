"""Makes small clips whose every picture carries its own number, and reads the numbers back.

The number is drawn as twelve black or white columns, so it survives scaling and compression.
"""

import subprocess
from pathlib import Path

BITS = 12
_STAMP = f"geq=lum='16+219*mod(floor(N/pow(2,floor(X*{BITS}/W))),2)':cb=128:cr=128"
_STAMP_SIZE = "96x2"
"""Columns of eight pixels: geq computes each pixel by itself, so few are computed and then enlarged."""


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg, quietly, over an existing file too."""
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True)


def stamped(
    path: Path,
    *options: str,
    seconds: float = 8,
    rate: str = "25",
    size: str = "192x108",
    sound: bool = True,
    filters: str = "",
) -> Path:
    """A clip of numbered pictures and, with `sound`, a tone. `options` are ffmpeg's, for the output."""
    enlarged = f"scale={size.replace('x', ':')}:flags=neighbor,setsar=1"
    picture = f"color=gray:s={_STAMP_SIZE}:r={rate}:d={seconds},format=yuv420p,{_STAMP},{enlarged}" + (
        f",{filters}" if filters else ""
    )
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}"] if sound else []
    default = (
        ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"] if "-c:v" not in options else []
    )
    ffmpeg("-f", "lavfi", "-i", picture, *tone, *default, *options, path)
    return path


def numbers(source: Path | str, *options: str, stream: str = "v:0") -> list[tuple[float, int]]:
    """Time (seconds) and number of each picture that `source` decodes to."""
    raw = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", *options, "-i", source, "-map", f"0:{stream}", "-fps_mode", "passthrough",
         "-vf", f"scale={BITS * 8}:8:flags=area,format=gray,showinfo", "-f", "rawvideo", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    times = [
        float(line) if line != "N/A" else 0.0
        for line in subprocess.run(
            ["ffprobe", "-v", "error", *options, "-select_streams", stream, "-show_entries", "frame=pts_time", "-of",
             "csv=p=0", source],
            check=True, capture_output=True, text=True,
        ).stdout.replace(",", "").split()
    ]  # fmt: skip
    width = BITS * 8
    pictures = [raw[at : at + width * 8] for at in range(0, len(raw), width * 8)]
    return list(zip(times, [_number(picture, width) for picture in pictures], strict=True))


def _number(picture: bytes, width: int) -> int:
    row = picture[4 * width : 5 * width]
    return sum(1 << bit for bit in range(BITS) if row[bit * 8 + 4] > 128)
