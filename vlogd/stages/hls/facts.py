"""What the parts of this stage find out for the parts after them and for the view."""

from dataclasses import dataclass, field

KeyFrameSpans = tuple[int, ...]
"""Where the key frames of a segment lie in its file: offset and length in bytes, in turn."""


@dataclass(frozen=True, kw_only=True)
class RemuxFacts:
    """Whether an un-indexed file could be copied to MP4; else `why` not, as a sentence.

    `time_base` is that of the copy's video track, a fraction of a second; `zero_seconds` the time in the copy that is
    published as zero.
    """

    copied: bool
    why: str = ""
    time_base: str = ""
    zero_seconds: str = ""


@dataclass(frozen=True, kw_only=True)
class CopyFacts:
    """Whether the source's own frames could be published; else `why` not, as a sentence."""

    copied: bool
    why: str = ""
    iframes: dict[str, tuple[KeyFrameSpans, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class AudioFacts:
    """Of an audio rendition: how many seconds are silence in place of sound that could not be decoded; `silent`: all.

    The seconds of a silent track are not always known.
    """

    missing_seconds: float = 0.0
    silent: bool = False


@dataclass(frozen=True)
class DamageFacts:
    """Of `EncodeFacts`, what the view of a growing stream needs. It is read of every chunk, once a second."""

    empty: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class EncodeFacts:
    """The result of encoding a chunk, or a whole file.

    `fallback` says how it was encoded when the usual way failed. `iframes` has the key frames of each rendition,
    segment by segment. `similar` names renditions that are too similar to another; only the first chunk determines them.
    `empty` is None when all planned frames were decoded; else it has the numbers of the segments without any.
    `borders`, of a whole file only, are the segment boundaries in published ticks.
    """

    fallback: str = ""
    iframes: dict[str, tuple[KeyFrameSpans, ...]]
    similar: tuple[str, ...] = ()
    empty: tuple[int, ...] | None = None
    borders: tuple[int, ...] = ()
