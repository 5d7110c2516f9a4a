"""Rules of the master playlist that its text alone can break."""

from collections.abc import Iterator
from fractions import Fraction

from vlogd.media.conformance.violations import Violation, must, should
from vlogd.media.streaming.hls_reader import Master, Variant

_FIRST_BITS_PER_SECOND = 2_000_000
"""What the variant that is listed first should need, for mobile networks (Apple 1.32)."""
_NEARER_FACTOR, _NEARER_BITS_PER_SECOND = 1.5, 200_000
"""Another variant is nearer to that only if it is by so much: rates are measured, and differ from film to film."""
_ASPECT_TOLERANCE = Fraction(5, 100)
"""Sizes are even numbers: at 144 lines the aspect ratio is off by some percent."""
_H264 = "avc1"
_PARAMETERS_IN_SAMPLES = ("avc3", "hev1")
_AUDIO_CODECS = ("mp4a", "ac-3", "ec-3", "fLaC")


def of_itself(master: Master) -> Iterator[Violation]:
    """Everything that does not need the segments."""
    where = master.path.name
    if not master.variants:
        yield must("RFC 8216 4.3.4.2", where, "It names no variant.")
    if "#EXT-X-INDEPENDENT-SEGMENTS" not in master.text:
        yield should("Apple 9.11", where, "EXT-X-INDEPENDENT-SEGMENTS is missing.")
    for variant in master.variants:
        yield from _attributes(variant)
    yield from _groups(master)
    yield from _renditions(master)
    yield from _choice(master)


def _attributes(variant: Variant) -> Iterator[Violation]:
    uri = variant.uri
    if not variant.bandwidth:
        yield must("RFC 8216 4.3.4.2", uri, "Its BANDWIDTH is missing.")
    if not variant.average:
        yield must("Apple 9.14", uri, "Its AVERAGE-BANDWIDTH is missing.")
    if not variant.codecs:
        yield must("Apple 9.1", uri, "Its CODECS are missing.")
    if any(entry in variant.codecs for entry in _PARAMETERS_IN_SAMPLES):
        yield must(
            "Apple 1.10", uri, f"CODECS {variant.codecs}: parameter sets belong in the sample description."
        )
    if variant.codecs and all(codec.startswith(_AUDIO_CODECS) for codec in variant.codecs.split(",")):
        return
    if variant.resolution is None:
        yield must("Apple 9.2", uri, "Its RESOLUTION is missing.")
    if variant.frame_rate is None:
        yield must("Apple 9.15", uri, "Its FRAME-RATE is missing.")


def _groups(master: Master) -> Iterator[Violation]:
    """Each group that a variant names has renditions (RFC 8216, 4.3.4.2)."""
    groups = {(rendition.kind, rendition.group) for rendition in master.renditions}
    for kind in ("AUDIO", "SUBTITLES"):
        for variant in master.variants:
            group = variant.audio if kind == "AUDIO" else variant.subtitles
            if group and (kind, group) not in groups:
                yield must(
                    "RFC 8216 4.3.4.2",
                    variant.uri,
                    f"It names the {kind} group {group!r}, which is not there.",
                )


def _renditions(master: Master) -> Iterator[Violation]:
    names: set[tuple[str, str, str]] = set()
    for rendition in master.renditions:
        key = (rendition.kind, rendition.group, rendition.name)
        if not rendition.name or key in names:
            yield must(
                "RFC 8216 4.3.4.1.1", rendition.uri, "Renditions of a group need a NAME each, all different."
            )
        names.add(key)
        if not rendition.language:
            yield must("Apple 8.10", rendition.uri, "Its LANGUAGE is missing.")


def _choice(master: Master) -> Iterator[Violation]:
    """What a player has to choose from."""
    where = master.path.name
    video = [variant for variant in master.variants if variant.resolution]
    if video and not any(_H264 in variant.codecs for variant in video):
        yield should("Apple 1.12", where, "No variant is H.264, which every device plays.")
    ratios = [Fraction(*variant.resolution) for variant in video if variant.resolution]
    if ratios and max(ratios) / min(ratios) - 1 > _ASPECT_TOLERANCE:
        yield must("Apple 1.33", where, "The variants differ in aspect ratio.")
    distances = [_distance(variant) for variant in video if _H264 in variant.codecs and variant.average]
    if distances:
        first = master.variants[0]
        if _distance(first) > min(distances) * _NEARER_FACTOR + _NEARER_BITS_PER_SECOND:
            yield should("Apple 1.32", first.uri, "It is listed first, but another is nearer to 2000 kbit/s.")
    if video and not master.iframes and ".ts" not in master.text:
        yield should("Apple 6.1", where, "There is no I-frame playlist for scrubbing.")


def _distance(variant: Variant) -> int:
    """How far a variant is from the rate that the first one should have, in bits per second."""
    return abs((variant.average or 0) - _FIRST_BITS_PER_SECOND)
