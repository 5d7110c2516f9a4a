"""The audio: one pass over a whole track, AAC at 48 kHz, cut where the video is cut.

An AAC frame has 1024 samples, so how many frames a segment has follows from the boundaries alone. The first frame primes
the decoder and lies before zero; players cut it off. The track is padded or cut to the length of the video (Apple 2.15);
late starts and gaps become silence. Segments are delivered while ffmpeg still works, so that a long film need not wait
for its audio.
"""

from collections.abc import Sequence
from pathlib import Path

from vlogd.media import ffmpeg
from vlogd.media.streaming import fragment_reader, fragment_writer
from vlogd.media.streaming.tracks import INIT, OFFSET, OFFSET_SECONDS, TICKS
from vlogd.stages.hls import decoded_audio
from vlogd.stages.hls.audio_tracks import STEREO_CHANNELS, AudioRendition
from vlogd.stages.hls.facts import AudioFacts
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plans import StreamPlan, extension
from vlogd.stages.hls.segment_writer import transport_stream
from vlogd.stages.workspace import Workspace

SAMPLE_RATE = 48_000
"""The usual rate of audio beside video; other rates are resampled, so that all tracks have the same frames."""

FRAME_SAMPLES = 1024
"""Samples of an AAC-LC frame (ISO/IEC 14496-3)."""

_FRAGMENT_MICROSECONDS = 1_000_000
"""How often ffmpeg writes a fragment: a second of audio takes a few kilobytes, and segments are delivered without delay."""

_MOST_DRIFT_SAMPLES = 1000
"""How many samples a second may be stretched or squeezed to follow drifting times: 2 %, which is inaudible."""


def first_frames(boundaries: Sequence[int]) -> list[int]:
    """The number of the first AAC frame of each segment, then the number after the last; frame 0 begins at zero."""
    zero = min(OFFSET, boundaries[0])
    return [-(-(tick - zero) * SAMPLE_RATE // (TICKS * FRAME_SAMPLES)) for tick in boundaries]


def run(plan: StreamPlan, rendition: AudioRendition, ws: Workspace[HlsSettings]) -> AudioFacts:
    """Encode and deliver one rendition. Raises BadInput where there is only audio and none of it can be decoded."""
    frames = first_frames(plan.boundaries)
    target = ws.scratch / "audio.mp4"
    cutter = _Cutter(target, rendition.folder, frames, ws)
    length = max(1.0, (plan.boundaries[-1] - plan.boundaries[0]) / TICKS)

    def on_progress(seconds: float) -> None:
        ws.report_progress(seconds / length)
        cutter.cut()

    decoded, listing = decoded_audio.counted(ffmpeg.source(ws.film)[str(rendition.stream.index)], ws)
    printed = ffmpeg.run(
        [_output(decoded, plan, rendition, target, frames[-1] * FRAME_SAMPLES), listing],
        limits=ws.limits,
        stop=ws.stop,
        on_progress_seconds=on_progress,
        # copyts: keep the source's times, so that audio stays in sync. max_error_rate: publish what decodes.
        global_options=("-copyts", "-max_error_rate", "1", *ffmpeg.FREQUENT_PROGRESS),
    )
    cutter.cut()
    cutter.finish()
    return decoded_audio.facts(plan, rendition, ws, complained=bool(printed))


def _output(
    decoded: ffmpeg.Stream, plan: StreamPlan, rendition: AudioRendition, target: Path, samples: int
) -> ffmpeg.Stream:
    layout = "stereo" if rendition.channels == STEREO_CHANNELS else "5.1"
    stream = decoded.filter("asetpts", f"PTS-({plan.media.start_seconds:.6f})/TB")
    # async: fill gaps with silence and follow drifting times. first_pts=0: silence before a late start.
    stream = stream.filter("aresample", SAMPLE_RATE, **{"async": _MOST_DRIFT_SAMPLES, "first_pts": 0})
    stream = stream.filter("aformat", channel_layouts=layout, sample_rates=SAMPLE_RATE)
    stream = stream.filter("apad", whole_len=samples).filter("atrim", end_sample=samples)
    return ffmpeg.output(
        stream,
        target,
        **{
            "c:a": "aac",
            "b:a": f"{rendition.kbps}k",
            # Titles and chapters of the source don't belong into segments.
            "map_metadata": -1,
            "map_chapters": -1,
            # No encoder or muxer version in the bytes.
            "flags:a": "+bitexact",
            "fflags": "+bitexact",
            # Times stay as they are: the priming frame lies before the first boundary, and no edit list hides it.
            "avoid_negative_ts": "disabled",
            "output_ts_offset": OFFSET_SECONDS,
            "use_editlist": 0,
            # As in filter_graph.mp4_options, but fragments by time: audio has no GOPs.
            "movflags": "+empty_moov+default_base_moof+frag_discont+skip_sidx+skip_trailer",
            "frag_duration": _FRAGMENT_MICROSECONDS,
            "f": "mp4",
        },
    )


class _Cutter:
    """Reads the growing file and delivers each segment whose frames are all there."""

    def __init__(self, path: Path, folder: str, frames: Sequence[int], ws: Workspace[HlsSettings]) -> None:
        self._path = path
        self._folder = folder
        self._frames = frames
        self._ws = ws
        self._extension = extension(ws.settings)
        self._init = b""
        self._position = 0
        self._segment = 0
        self._next_frame = -1  # the priming frame
        self._sizes: list[int] = []
        self._data = bytearray()

    def cut(self) -> None:
        """Deliver the segments that have become complete."""
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
                self._deliver_complete()

    def finish(self) -> None:
        """Deliver a last segment that lacks frames, if the encoder returned fewer than planned."""
        if self._segment < len(self._frames) - 1 and self._sizes:
            self._deliver(len(self._sizes))

    def _deliver_complete(self) -> None:
        while self._segment < len(self._frames) - 1:
            count = self._frames[self._segment + 1] - self._next_frame
            if len(self._sizes) < count:
                return
            self._deliver(count)

    def _deliver(self, count: int) -> None:
        sizes, self._sizes = self._sizes[:count], self._sizes[count:]
        length = sum(sizes)
        data, self._data = bytes(self._data[:length]), self._data[length:]
        time = OFFSET_SECONDS * SAMPLE_RATE + self._next_frame * FRAME_SAMPLES
        fragment = fragment_writer.audio_fragment(self._segment + 1, time, FRAME_SAMPLES, sizes, data)
        name = f"{self._folder}/{self._segment:05d}.{self._extension}"
        if self._extension == "m4s":
            self._ws.deliver_bytes(fragment_writer.segment([fragment]), name)
        else:
            self._ws.deliver_bytes(transport_stream(self._ws, self._init, [fragment]), name)
        self._next_frame += count
        self._segment += 1
