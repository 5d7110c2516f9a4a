"""The sound: one pass over a whole track, AAC at 48 kHz, cut where the pictures are cut.

A frame holds 1024 samples, so how many frames a segment takes follows from the borders alone. The
first frame primes the decoder and lies before zero; players cut it off. The track is padded or cut
to the length of the picture [2.15], late starts and holes become silence. Segments are delivered
while ffmpeg still works, so a long film need not wait for its sound.
"""

from collections.abc import Sequence
from pathlib import Path

from vlogd.media import ffmpeg
from vlogd.media.streaming import fragment_reader, fragment_writer
from vlogd.media.streaming.tracks import INIT, OFFSET, OFFSET_SECONDS, TICKS
from vlogd.stages.facts import NoFacts
from vlogd.stages.hls.audio_tracks import Sound
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plan import Plan
from vlogd.stages.hls.segment_writer import transport_stream
from vlogd.stages.workspace import Workspace

RATE = 48_000
FRAME_SAMPLES = 1024
_FRAGMENT_MICROSECONDS = 1_000_000


def first_frames(borders: Sequence[int]) -> list[int]:
    """The number of the first frame of each segment, and behind the last one; frame 0 begins at zero."""
    zero = min(OFFSET, borders[0])
    return [-(-(border - zero) * RATE // (TICKS * FRAME_SAMPLES)) for border in borders]


def run(plan: Plan, sound: Sound, ws: Workspace[HlsSettings]) -> NoFacts:
    """Encode and deliver one track."""
    frames = first_frames(plan.borders)
    target = ws.scratch / "audio.mp4"
    cutter = _Cutter(target, sound.folder, frames, ws, plan.extension)
    length = max(1.0, (plan.borders[-1] - plan.borders[0]) / TICKS)

    def reached(seconds: float) -> None:
        ws.report_progress(seconds / length)
        cutter.cut()

    ffmpeg.run(
        [_output(plan, sound, ws, target, frames[-1] * FRAME_SAMPLES)],
        limits=ws.limits,
        stop=ws.stop,
        tell_seconds=reached,
        global_options=("-copyts", "-max_error_rate", "1", *ffmpeg.SOON),
    )
    cutter.cut()
    cutter.finish()
    return NoFacts()


def _output(
    plan: Plan, sound: Sound, ws: Workspace[HlsSettings], target: Path, samples: int
) -> ffmpeg.Stream:
    layout = "stereo" if sound.channels == 2 else "5.1"  # noqa: PLR2004 - there are these two
    stream = ffmpeg.source(ws.film)[str(sound.stream.index)]
    stream = stream.filter("asetpts", f"PTS-({plan.media.start_seconds:.6f})/TB")
    stream = stream.filter("aresample", RATE, **{"async": 1000, "first_pts": 0})
    stream = stream.filter("aformat", channel_layouts=layout, sample_rates=RATE)
    stream = stream.filter("apad", whole_len=samples).filter("atrim", end_sample=samples)
    return ffmpeg.output(
        stream,
        target,
        **{
            "c:a": "aac",
            "b:a": f"{sound.kbps}k",
            "map_metadata": -1,
            "map_chapters": -1,
            "flags:a": "+bitexact",
            "fflags": "+bitexact",
            "avoid_negative_ts": "disabled",
            "output_ts_offset": OFFSET_SECONDS,
            "use_editlist": 0,
            "movflags": "+empty_moov+default_base_moof+frag_discont+skip_sidx+skip_trailer",
            "frag_duration": _FRAGMENT_MICROSECONDS,
            "f": "mp4",
        },
    )


class _Cutter:
    """Reads the growing file and delivers each segment whose frames are all there."""

    def __init__(
        self, path: Path, folder: str, frames: Sequence[int], ws: Workspace[HlsSettings], extension: str
    ) -> None:
        self._path = path
        self._folder = folder
        self._frames = frames
        self._ws = ws
        self._extension = extension
        self._init = b""
        self._position = 0
        self._segment = 0
        self._next_frame = -1
        self._sizes: list[int] = []
        self._data = bytearray()

    def cut(self) -> None:
        """Deliver what has become whole."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            if not self._position:
                init = fragment_reader.init_bytes(file)
                if not init:
                    return
                self._position, self._init = len(init), init
                if self._extension == "m4s":
                    self._ws.deliver_bytes(init, f"{self._folder}/{INIT}")
            for fragment, after in fragment_reader.fragments(file, self._position):
                file.seek(fragment.data_at)
                self._data += file.read(sum(fragment.sizes))
                self._sizes += fragment.sizes
                self._position = after
                self._deliver_whole()

    def finish(self) -> None:
        """Deliver a last segment that lacks frames, if the encoder gave fewer than were asked for."""
        if self._segment < len(self._frames) - 1 and self._sizes:
            self._deliver(len(self._sizes))

    def _deliver_whole(self) -> None:
        while self._segment < len(self._frames) - 1:
            wanted = self._frames[self._segment + 1] - self._next_frame
            if len(self._sizes) < wanted:
                return
            self._deliver(wanted)

    def _deliver(self, count: int) -> None:
        sizes, self._sizes = self._sizes[:count], self._sizes[count:]
        length = sum(sizes)
        data, self._data = bytes(self._data[:length]), self._data[length:]
        time = OFFSET_SECONDS * RATE + self._next_frame * FRAME_SAMPLES
        fragment = fragment_writer.audio_fragment(self._segment + 1, time, FRAME_SAMPLES, sizes, data)
        name = f"{self._folder}/{self._segment:05d}.{self._extension}"
        if self._extension == "m4s":
            self._ws.deliver_bytes(fragment_writer.segment([fragment]), name)
        else:
            self._ws.deliver_bytes(transport_stream(self._ws, self._init, [fragment]), name)
        self._next_frame += count
        self._segment += 1
