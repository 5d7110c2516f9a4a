"""Notes for people, in `video.json`: in what the stream differs from the file."""

from collections.abc import Sequence, Set

from vlogd.media.streaming.tracks import TICKS
from vlogd.stages.contract import Work
from vlogd.stages.hls.audio_tracks import MOST_TRACKS, decodable
from vlogd.stages.hls.facts import AudioFacts
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plans import ChunkedPlan, StreamPlan


def notes(
    plan: StreamPlan, work: Work[HlsSettings], empty: Set[int], count: int, *, damaged: bool
) -> list[str]:
    """Sentences. `empty` segments have no frame, `count` segments are listed; `damaged`: frames are missing."""
    return [
        *(_damage(plan, sorted(empty), count) if damaged else ()),
        *_dropped_frames(plan),
        *_held_frames(plan),
        *_left_out_tracks(plan),
        *_silence(plan, work),
    ]


def _damage(plan: StreamPlan, empty: Sequence[int], count: int) -> list[str]:
    if not empty:
        return ["The file is damaged: some of its frames could not be decoded."]
    seconds = sum(plan.boundaries[number + 1] - plan.boundaries[number] for number in empty) / TICKS
    where = "at its end" if empty[-1] >= count else "in places"
    return [f"The file is damaged: about {seconds:.0f} s of video could not be decoded {where}."]


def _dropped_frames(plan: StreamPlan) -> list[str]:
    """That frames are left out because of `max_frame_rate`."""
    if not isinstance(plan, ChunkedPlan) or plan.timeline.keep_every == 1:
        return []
    rate, published = float(plan.frame_rate * plan.timeline.keep_every), float(plan.frame_rate)
    return [f"The video has {rate:.4g} frames a second; {published:.4g} of them are published."]


def _left_out_tracks(plan: StreamPlan) -> list[str]:
    """That audio tracks are left out."""
    count = len(decodable(plan.media))
    return (
        [f"The file has {count} audio tracks; {MOST_TRACKS} of them are published."]
        if count > MOST_TRACKS
        else []
    )


def _held_frames(plan: StreamPlan) -> list[str]:
    """What is seen where there is only sound."""
    if not isinstance(plan, ChunkedPlan) or not plan.audio:
        return []
    sentences = []
    if (hold := plan.timeline.before) is not None:
        sentences.append(
            f"The video begins {hold.seconds:.0f} s after the audio; its first frame is shown until then."
        )
    if (hold := plan.timeline.after) is not None and hold.seconds >= plan.config.segment_seconds:
        sentences.append(
            f"The video ends {hold.seconds:.0f} s before the audio; its last frame is shown until then."
        )
    return sentences


def _silence(plan: StreamPlan, work: Work[HlsSettings]) -> list[str]:
    """Where silence stands in place of sound, once for each track of the source."""
    sentences: dict[int, str] = {}
    for rendition in plan.audio:
        found = work.facts(rendition.part, AudioFacts) if rendition.part in work.receipts else AudioFacts()
        track = f"of the audio track {rendition.name!r}" if len(plan.audio) > 1 else "of the sound"
        about = f"about {found.missing_seconds:.0f} s {track} could not be decoded and are silent"
        if found.silent:
            about = f"nothing {track} could be decoded; it is silent"
        if found.silent or found.missing_seconds:
            sentences[rendition.stream.index] = f"The file is damaged: {about}."
    return list(sentences.values())
