"""Rules of the master playlist that can be told from its text."""

from collections.abc import Iterator
from fractions import Fraction

from vlogd.media.conformance.findings import Finding, must, should
from vlogd.media.streaming.hls_reader import Master, Variant

_FIRST_BITS_PER_SECOND = 2_000_000
_ASPECT_TOLERANCE = 0.05
_COMPATIBLE = "avc1"
_PARAMETERS_IN_SAMPLES = ("avc3", "hev1")


def of_itself(master: Master) -> Iterator[Finding]:
    """Everything but what the segments say."""
    where = master.path.name
    if not master.variants:
        yield must("RFC 8216 4.3.4.2", where, "It names no variant.")
    if "#EXT-X-INDEPENDENT-SEGMENTS" not in master.text:
        yield should("Apple 9.11", where, "EXT-X-INDEPENDENT-SEGMENTS is missing.")
    for one in master.variants:
        yield from _attributes(one)
    yield from _groups(master)
    yield from _choice(master)


def _attributes(one: Variant) -> Iterator[Finding]:
    if not one.bandwidth:
        yield must("RFC 8216 4.3.4.2", one.uri, "Its BANDWIDTH is missing.")
    if not one.average:
        yield must("Apple 9.14", one.uri, "Its AVERAGE-BANDWIDTH is missing.")
    if not one.codecs:
        yield must("Apple 9.1", one.uri, "Its CODECS are missing.")
    if any(entry in one.codecs for entry in _PARAMETERS_IN_SAMPLES):
        yield must(
            "Apple 1.10", one.uri, f"CODECS {one.codecs}: parameter sets belong into the sample description."
        )
    if _is_sound(one):
        return
    if one.resolution is None:
        yield must("Apple 9.2", one.uri, "Its RESOLUTION is missing.")
    if one.frame_rate is None:
        yield must("Apple 9.15", one.uri, "Its FRAME-RATE is missing.")


def _is_sound(one: Variant) -> bool:
    return bool(one.codecs) and all(
        codec.startswith(("mp4a", "ac-3", "ec-3", "fLaC")) for codec in one.codecs.split(",")
    )


def _groups(master: Master) -> Iterator[Finding]:
    for attribute, kind in (("audio", "AUDIO"), ("subtitles", "SUBTITLES")):
        known = {one.group for one in master.renditions if one.kind == kind}
        known |= {""} if not known else set()
        for one in master.variants:
            group = getattr(one, attribute)
            if group and group not in known:
                yield must(
                    "RFC 8216 4.3.4.2", one.uri, f"It names the {kind} group {group!r}, which is not there."
                )
    names: set[tuple[str, str, str]] = set()
    for media in master.renditions:
        key = (media.kind, media.group, media.name)
        if not media.name or key in names:
            yield must(
                "RFC 8216 4.3.4.1.1", media.uri, "Renditions of a group need a NAME each, all different."
            )
        names.add(key)
        if not media.language:
            yield must("Apple 8.10", media.uri, "Its LANGUAGE is missing.")


def _choice(master: Master) -> Iterator[Finding]:
    where = master.path.name
    pictures = [one for one in master.variants if one.resolution]
    if pictures and not any(_COMPATIBLE in one.codecs for one in pictures):
        yield should("Apple 1.12", where, "No variant is H.264, which every device plays.")
    ratios = [Fraction(*one.resolution) for one in pictures if one.resolution and one.resolution[1]]
    if ratios and float(max(ratios) / min(ratios)) - 1 > _ASPECT_TOLERANCE:
        yield must("Apple 1.33", where, "The variants differ in aspect ratio.")
    plain = [one for one in pictures if _COMPATIBLE in one.codecs and one.average]
    if plain:
        best = min(plain, key=lambda one: abs((one.average or 0) - _FIRST_BITS_PER_SECOND))
        first = master.variants[0]
        if (
            abs((first.average or 0) - _FIRST_BITS_PER_SECOND)
            > abs((best.average or 0) - _FIRST_BITS_PER_SECOND) * 1.5 + 200_000
        ):
            yield should("Apple 1.32", first.uri, "It is listed first, but another is nearer to 2000 kbit/s.")
    if pictures and not master.iframes and ".ts" not in master.text:
        yield should("Apple 6.1", where, "There is no I-frame playlist for scrubbing.")
