"""The kinds of plan, as plain data.

| plan            | for                                                                                        |
|-----------------|--------------------------------------------------------------------------------------------|
| `ChunkedPlan`   | video whose frame times are known: cut into chunks, perhaps with the source's frames on top |
| `UnindexedPlan` | a container without an index (TS, PS): it has to be copied to MP4 before more can be planned |
| `WholeFilePlan` | video whose frame times are not known: encoded in one go                                   |
| `AudioOnlyPlan` | no video at all                                                                            |
"""

from dataclasses import dataclass
from fractions import Fraction

from vlogd.media.ffprobe import Media, VideoStream
from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls.audio_tracks import AudioRendition
from vlogd.stages.hls.hold import Hold
from vlogd.stages.hls.ladder import HlsSettings, Rendition, is_reduced
from vlogd.stages.hls.timeline import Chunk, Timeline

REMUX = "remux"
COPY = "copy"
COPY_STRETCHED = "copy-long"
"""Instead of `copy` where the last frame stands until the sound ends: earlier versions cut the sound off."""
WHOLE, WHOLE_LONG = "video-whole", "video-whole-long"
"""The second where the last frame stands until the sound ends; it and its audio are other parts, as above."""
HELD_BEFORE, HELD_AFTER = "held-before", "held-after"

REMUXED_PTS = "remux.pts"
"""Delivered by the part `remux`: the frame times of the copy, like `video.pts` of probe."""


@dataclass(frozen=True, kw_only=True)
class AudioOnlyPlan:
    """Audio renditions, cut evenly. `boundaries`: when segments begin and the last one ends, in published ticks."""

    media: Media
    config: HlsSettings
    audio: tuple[AudioRendition, ...]
    boundaries: tuple[int, ...]

    @property
    def published(self) -> tuple[Rendition, ...]:
        """The video renditions: none."""
        return ()

    @property
    def encode_parts(self) -> tuple[str, ...]:
        """The names of the parts that encode video: none."""
        return ()


@dataclass(frozen=True, kw_only=True)
class _VideoPlan:
    """What all plans of a video have.

    `renditions` are those that are encoded. `why_no_copy` is a sentence for people, "" when the source's frames are
    copied or that is not known yet. `audio_seconds`: when the audio ends, `last_frame_seconds`: when the last frame does
    by the container, where these are notably later than the last frame.
    """

    media: Media
    config: HlsSettings
    video: VideoStream
    audio: tuple[AudioRendition, ...]
    renditions: tuple[Rendition, ...]
    why_no_copy: str = ""
    audio_seconds: float | None = None
    last_frame_seconds: float | None = None

    @property
    def published(self) -> tuple[Rendition, ...]:
        """The video renditions that viewers get, the largest H.264 one first."""
        return self.renditions

    @property
    def boundaries(self) -> tuple[int, ...]:
        """When segments begin and the last one ends, in published ticks; empty while that is not known."""
        return ()

    @property
    def least_end(self) -> int:
        """Until when there is something to be seen or heard, in published ticks; 0 where the last frame tells it."""
        seconds = max(self.last_frame_seconds or 0.0, (self.audio_seconds or 0.0) if self.audio else 0.0)
        return OFFSET + round(seconds * TICKS) if seconds else 0

    @property
    def encode_parts(self) -> tuple[str, ...]:
        """The names of the parts that encode video, in the order of the stream."""
        return ()


@dataclass(frozen=True, kw_only=True)
class UnindexedPlan(_VideoPlan):
    """Nothing is known before the file has been copied to MP4."""


@dataclass(frozen=True, kw_only=True)
class WholeFilePlan(_VideoPlan):
    """One encode from the first frame to the last, which determines the segment boundaries.

    `part` is its part's name. `remux_failed`: the file has no index, and a copy to MP4 did not give it one.
    """

    part: str = WHOLE
    encoded_boundaries: tuple[int, ...] = ()
    remux_failed: bool = False

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Those of the encode; none before it is done."""
        return self.encoded_boundaries

    @property
    def encode_parts(self) -> tuple[str, ...]:
        """The only part."""
        return (self.part,)

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second, on average."""
        return Fraction(self.video.frame_rate)


@dataclass(frozen=True, kw_only=True)
class ChunkedPlan(_VideoPlan):
    """Chunks of segments with exact frame times.

    `copied`: the source's own frames as a rendition. `copy_failed`: they were planned as one, but differed from the
    scan. `source_keys`: the times of the source's key frames (published ticks), where these are known to begin
    closed GOPs. `remuxed`: chunks are read from a copy in MP4. `recut` names chunks that earlier versions cut otherwise.
    `source_frames`: how many frames can be decoded, by the scan.
    """

    timeline: Timeline
    chunks: tuple[Chunk, ...]
    source_keys: tuple[int, ...] = ()
    copied: Rendition | None = None
    copy_failed: bool = False
    remuxed: bool = False
    recut: str = ""
    source_frames: int = 0

    @property
    def published(self) -> tuple[Rendition, ...]:
        """The copied frames first."""
        return self.renditions if self.copied is None else (self.copied, *self.renditions)

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Those of the timeline."""
        return self.timeline.boundaries

    @property
    def encode_parts(self) -> tuple[str, ...]:
        """One for each chunk, and one for each held picture."""
        before = (HELD_BEFORE,) if self.timeline.before else ()
        after = (HELD_AFTER,) if self.timeline.after else ()
        return (*before, *(self.chunk_part(chunk.number) for chunk in self.chunks), *after)

    @property
    def copy_part(self) -> str:
        """The name of the part that copies the source's frames."""
        return COPY_STRETCHED if self.timeline.is_stretched else COPY

    def held(self, part: str) -> Hold | None:
        """The hold that the part of this name encodes."""
        return {HELD_BEFORE: self.timeline.before, HELD_AFTER: self.timeline.after}.get(part)

    @property
    def frame_rate(self) -> Fraction:
        """Published frames a second, on average."""
        return Fraction(self.video.frame_rate) / self.timeline.keep_every

    def chunk_part(self, number: int) -> str:
        """The name of a chunk's part.

        After a failed copy the chunks have a rendition more, so they are others. So are those that earlier versions cut
        elsewhere, or of which they made a rendition of the source's own size above 2160 lines: what these have left of an
        unfinished step must not be mixed with them.
        """
        is_encoded = self.copied is None and is_reduced(self.video.shown_size(), self.config)
        kinds = ("full" if self.copy_failed else "video", self.recut, "reduced" if is_encoded else "")
        kind = "-".join(filter(None, kinds))
        return f"{kind}-{number:04d}"


VideoPlan = UnindexedPlan | WholeFilePlan | ChunkedPlan
StreamPlan = AudioOnlyPlan | WholeFilePlan | ChunkedPlan
"""A plan that says how the stream is made."""

Plan = StreamPlan | UnindexedPlan


def extension(config: HlsSettings) -> str:
    """The file name extension of media segments."""
    return "ts" if config.segment_format == "ts" else "m4s"
