"""A media playlist together with the samples of its segments: what the rules check."""

from dataclasses import dataclass

from vlogd.media.conformance.samples import TrackSamples
from vlogd.media.streaming.hls_reader import MediaPlaylist


@dataclass(frozen=True)
class CheckedTrack:
    """One media playlist of video or audio. `listed_as_video`: whether the master playlist lists it as video."""

    uri: str
    listed_as_video: bool
    playlist: MediaPlaylist
    samples: TrackSamples

    @property
    def is_video(self) -> bool:
        """Whether its samples are video frames; a variant may be audio only."""
        return self.samples.init.is_video if self.samples.init else self.listed_as_video

    @property
    def is_readable(self) -> bool:
        """Whether all its samples could be read: nothing is encrypted or faulty."""
        return (
            not self.playlist.encrypted
            and not self.samples.init_fault
            and all(part is None or not part.fault for part in self.samples.segments)
        )

    def peak_and_average(self) -> tuple[float, float]:
        """Bits per second, measured (Apple 1.26, 1.27). A short tail may have any rate and is not a peak."""
        pairs = [
            (part.size_bytes * 8, segment.seconds)
            for segment, part in zip(self.playlist.segments, self.samples.segments, strict=True)
            if part is not None and segment.seconds
        ]
        if not pairs:
            return 0.0, 0.0
        longest = max(seconds for _, seconds in pairs)
        peak = max(bits / seconds for bits, seconds in pairs if seconds > longest / 2)
        return peak, sum(bits for bits, _ in pairs) / sum(seconds for _, seconds in pairs)
