"""The table of what is wrong with people's files: whole sentences, and the causes behind what ffmpeg prints."""

import re

import pytest

from vlogd.media import refusals
from vlogd.media.refusals import Refusal

PRINTED = {
    "Error marking filters as finished": refusals.NOT_DECODABLE,
    "[ffv1 @ 0x55d0c8] Invalid data found when processing input": refusals.NOT_DECODABLE,
    "Decoder (codec mpegh_3d_audio) not found for input stream #0:0": refusals.DECODER_MISSING,
    "[vp9 @ 0x1] Failed to allocate buffer": refusals.OUT_OF_MEMORY,
    "[libx264 @ 0x2] malloc of size 96000000 failed": refusals.OUT_OF_MEMORY,
    "Error reinitializing filters!": refusals.FRAME_CHANGES,
    "[hevc @ 0x3] VPS 0 does not exist. Update your FFmpeg version": refusals.NOT_DECODABLE,
}


@pytest.mark.parametrize("refusal", refusals.ALL)
def test_each_is_a_sentence_and_says_what_to_do(refusal: Refusal) -> None:
    """No name of a tool's internals, no line of its output, no end without a stop."""
    for text in (refusal.wrong, refusal.advice):
        assert re.fullmatch(r"([A-Z{`]|ff|vlogd).*[.)]", text), text
    assert not re.search(r"please report|patches|0x|Invalid|error code", f"{refusal.wrong} {refusal.advice}")


def test_each_is_recognised_with_any_values_and_taken_for_no_other() -> None:
    """A test of hostile files relies on it."""
    for refusal in refusals.ALL:
        names = re.findall(r"\{(\w+)\}", refusal.wrong)
        sentence = refusal.sentence(**{name: f"<{name} (1.5)>" for name in names})
        assert [other for other in refusals.ALL if other.matches(sentence)] == [refusal]
    assert not refusals.is_refusal("ffmpeg failed (exit status 1): Invalid argument")


@pytest.mark.parametrize("line", PRINTED)
def test_what_ffmpeg_prints_has_a_cause(line: str) -> None:
    """The cause may be anywhere among the last lines."""
    assert refusals.explained(["frame dropped", line, "Conversion failed!"]) is PRINTED[line]


def test_what_ffmpeg_prints_of_other_things_has_none() -> None:
    """A message that nobody foresaw is not blamed on the file."""
    assert refusals.explained(["No such filter: 'zscale'", "Error opening filters!"]) is None
    assert refusals.explained([]) is None


def test_lengths_for_people() -> None:
    """The largest unit of which there are two."""
    spans = {0.4: "0 s", 119: "119 s", 120: "2 minutes", 10_000: "3 hours", 400_000: "5 days", 315_576_000_000: "10,000 years"}  # fmt: skip
    assert {seconds: refusals.length(seconds) for seconds in spans} == spans
