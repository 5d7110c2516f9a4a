"""What can be wrong with a file that people drop: each cause with its sentence and what to do about it.

Every sentence by which a file is refused comes from this table, so that people who know nothing of ffmpeg read what is
wrong and what they can do. What a tool printed is evidence, never the sentence: `explained` finds the cause in it, the
log and `vlogd show` have the lines themselves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlogd.core.errors import BadInput

_FIELD = re.compile(r"\\\{\w+\\\}")
"""A field of a sentence, after `re.escape`."""


@dataclass(frozen=True)
class Refusal:
    """One cause. `wrong` (with fields in braces) and `advice` are the sentence; `printed` matches what ffmpeg prints of it."""

    wrong: str
    advice: str
    printed: str = ""

    def sentence(self, **values: object) -> str:
        """What is wrong and what to do; `values` are those of the fields."""
        return f"{self.wrong.format(**values)} {self.advice}"

    def error(self, stderr_tail: Sequence[str] = (), **values: object) -> BadInput:
        """The refusal of a file; `stderr_tail` is what a tool printed about it."""
        return BadInput(self.sentence(**values), stderr_tail)

    def matches(self, sentence: str) -> bool:
        """Whether `sentence` is this one, with any values."""
        pattern = _FIELD.sub(".+", re.escape(f"{self.wrong} {self.advice}"))
        return re.fullmatch(pattern, sentence, re.DOTALL) is not None


_CONVERT = "If it plays elsewhere, convert it to MP4 with H.264 and AAC, and drop that."
_COPY_AGAIN = "Copy it again; if that does not help, the original is damaged too."

# Found before any decoding

EMPTY = Refusal("The file is empty.", "Copy it again.")
OTHER_KIND = Refusal(
    "The file is not a video: it is {kind}.", "vlogd takes files that hold video or sound themselves."
)
NO_INDEX = Refusal(
    "The file is incomplete: its index (moov), without which nothing in it can be found, is missing.",
    "Copy it again; a recording that was interrupted has to be repaired first.",
)
NOT_RECOGNISED = Refusal(
    "The file is not recognised as video or sound: it is damaged, or of a kind that vlogd does not read.",
    f"Copy it again. {_CONVERT}",
)
TOO_MUCH_OUTPUT = Refusal(
    "The file's description takes more than {mebibytes} MiB, which no genuine file causes.", _CONVERT
)
TOO_MANY_TRACKS = Refusal(
    "The file claims to have more than {most} tracks; no genuine video does.",
    "Convert it, keeping the tracks that you need.",
)
FRAMES_TOO_LARGE = Refusal(
    "The video's frames are {width}x{height} pixels; vlogd takes at most {most} million pixels, far above 8K.",
    "Scale it down, and drop that.",
)
NO_FRAME_SIZE = Refusal(
    "The file has a video track, but nothing in it says how large its frames are.", _COPY_AGAIN
)
ENCRYPTED = Refusal(
    "The file is encrypted (copy protection), and vlogd has no key.", "Drop a file that is not protected."
)
NO_DECODER = Refusal(
    "The file's {tracks} cannot be decoded by the ffmpeg that is installed here.",
    "Convert it to MP4 with H.264 and AAC, or install a newer ffmpeg, and drop it again.",
)
ONLY_OTHER_TRACKS = Refusal(
    "The file has neither video nor audio, only {tracks}.", "Drop the file that holds the video."
)
NO_TRACKS = Refusal("The file has neither video nor audio.", _COPY_AGAIN)
STALLS = Refusal(
    "ffprobe stalls over the file, several times.",
    f"The file is damaged, or its disk is very slow. {_CONVERT}",
)
TOO_MUCH_WORK = Refusal(
    "{tool} computed for {seconds} s and could not tell what the file is.", f"It is damaged. {_COPY_AGAIN}"
)

# Found when all of it is scanned

NO_COMPLETE_FRAME = Refusal(
    "The file claims to contain a video, but there is not a single complete frame in it.", _COPY_AGAIN
)
NO_PACKET = Refusal("The file claims to contain sound, but there is none in it.", _COPY_AGAIN)
TOO_LONG = Refusal(
    "The file claims to last {hours} hours; vlogd takes at most {most}.",
    "If it really is that long, cut it into shorter files; else convert it, which gives it new times.",
)
TOO_MANY_FRAMES = Refusal(
    "The file has more than {millions} million frames, which vlogd doesn't take.",
    "If it is genuine, cut it into shorter files.",
)
LONG_GAP = Refusal(
    "After {time} nothing new is shown for {hours} hours; a stream can skip at most {most}.",
    "The times in the file are damaged, or it is several recordings in one: convert it, which gives it new times, or cut it.",
)

# Found when it is decoded

NO_FRAME_DECODES = Refusal("Not a single frame of the file can be decoded; it is damaged.", _COPY_AGAIN)
NO_SOUND_DECODES = Refusal("Nothing of the file's sound can be decoded; it is damaged.", _COPY_AGAIN)
DECODER_MISSING = Refusal(
    "A track of the file is in a format for which the ffmpeg that is installed here has no decoder.",
    "Convert it to MP4 with H.264 and AAC, or install a newer ffmpeg; then `vlogd retry`.",
    r"Decoder \(codec \S+\) not found|Decoding requested, but no decoder|no decoder found for|Unsupported codec with id",
)
OUT_OF_MEMORY = Refusal(
    "ffmpeg needs more memory for the file than it may use.",
    "Raise `limits.memory_mebibytes`, then `vlogd retry`; or scale the video down.",
    r"Cannot allocate memory|Failed to allocate|malloc of size|Out of memory",
)
FRAME_CHANGES = Refusal(
    "The file's frames change their size or format in a way that ffmpeg cannot follow.", _CONVERT,
    r"Error reinitializing filters|Impossible to convert between the formats|Picture size \S+ (is invalid|exceeds)|Invalid frame dimensions",
)  # fmt: skip
NOT_PERMITTED = Refusal(
    "ffmpeg asked for something that it may not touch.",
    "If vlogd may read the original, the file may be made to attack ffmpeg: `vlogd show` prints what it said.",
    r"Permission denied|Operation not permitted",
)
NOT_DECODABLE = Refusal(
    "The file's content cannot be decoded: it is damaged, or of an unusual kind.",
    f"Copy it again. {_CONVERT}",
    r"Error while decoding|Error marking filters as finished|Invalid data found|Error while opening decoder|decode_slice_header|"
    r"Could not find codec parameters|Nothing was written|Error submitting (a )?packet|Error during demuxing|moov atom not found|"
    r"Error opening input|[Ii]nvalid (NAL|sample|frame)|corrupt|Cannot determine format of input|Update your FFmpeg version",
)  # fmt: skip
TOOL_CRASHED = Refusal("{tool} crashed over the file ({signal}).", f"Install its latest update. {_CONVERT}")
TOOL_FAILED = Refusal(
    "{tool} failed over the file (exit status {status}).",
    "`vlogd show` prints what it said; `vlogd retry` tries again.",
)
TOOL_STALLED = Refusal(
    "{tool} made no progress for {seconds} s and was ended.",
    "The disk is slow or the file is damaged: `vlogd retry` tries again, `limits.stall_seconds` allows more time.",
)
TOOL_KILLED = Refusal(
    "{tool} was ended from outside ({signal}), perhaps because the machine's memory ran out.",
    "`vlogd retry` tries again.",
)

ALL: tuple[Refusal, ...] = tuple(value for value in globals().values() if isinstance(value, Refusal))
"""Every cause, in the order of the table."""

_PRINTED = tuple(refusal for refusal in ALL if refusal.printed)


def explained(stderr_tail: Sequence[str]) -> Refusal | None:
    """The cause that a tool's last lines show; None when they show none that is known."""
    text = "\n".join(stderr_tail)
    return next((refusal for refusal in _PRINTED if re.search(refusal.printed, text)), None)


def is_refusal(sentence: str) -> bool:
    """Whether a sentence is one of the table."""
    return any(refusal.matches(sentence) for refusal in ALL)


def length(seconds: float) -> str:
    """A length of time for people, from seconds to years."""
    for name, size in (("years", 365.25 * 86400), ("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {name}"
    return f"{seconds:.0f} s"
