"""Speech to captions, word by word, with faster-whisper in a process of its own.

| part           | what                                                                             |
|----------------|----------------------------------------------------------------------------------|
| `listen`       | where somebody speaks (voice activity), in which language, and the windows       |
| `window-0000`… | the words of one window, each with its times; windows are cut in silences        |
| `join`         | captions.vtt, words.vtt, words.json, words.txt                                   |

A window is what is done again after a crash. Windows are independent and nothing is sampled at random, so a
window that is done again has the same words. Captions never delay the video: the stage is not essential, and while
the model cannot be loaded the item waits with a sentence (`Unavailable`).
"""

from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from vlogd.core.model import Part, View
from vlogd.core.settings import NonNegativeInt, PositiveInt, settings
from vlogd.media import ffmpeg, languages
from vlogd.media.streaming.tracks import TEXTS
from vlogd.stages import artifacts
from vlogd.stages.artifacts import TextTrack
from vlogd.stages.captions import client, cues
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

SAMPLE_RATE = 16_000
"""Samples a second that Whisper takes (its paper, 2.2)."""

_SPEECH = "speech"
"""The resource of all parts: a slot of its own, so that models do not take memory several times over."""

_PCM = "speech.pcm"


_MODEL_MEBIBYTES = {"tiny": 768, "base": 1024, "small": 1536, "medium": 2560}
"""Of a model with 8-bit weights, by the beginning of its name: weights, activations and the libraries."""
_OTHER_MEBIBYTES = 4096
"""Of larger ones, and of those in a folder of somebody's."""


@settings
class CaptionSettings:
    """`model`: a faster-whisper name or a folder. `language`: a code, or auto."""

    model: str = "small"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compute_type: str = "int8"
    language: str = "auto"
    beam_size: PositiveInt = 5
    window_seconds: PositiveInt = 600
    threads: NonNegativeInt = 0


@dataclass(frozen=True)
class ListenFacts:
    """The windows with speech, as (start, end) in seconds. `why` says why there are none."""

    windows: tuple[tuple[float, float], ...]
    language: str | None
    why: str = ""


@dataclass(frozen=True)
class WordsFacts:
    """How many words a window or all of them have."""

    words: int


def _parts(work: Work[CaptionSettings]) -> Sequence[Part]:
    taken = _memory_bytes(work.settings)
    listen = Part("listen", order=1, resource=_SPEECH, memory_bytes=taken)
    if "listen" not in work.receipts:
        return (listen,)
    windows = work.facts("listen", ListenFacts).windows
    return (
        listen,
        *(
            Part(
                f"window-{n:04d}",
                order=n + 1,
                weight=end - start,
                resource=_SPEECH,
                memory_bytes=taken,
                data={"start": start, "end": end},
            )
            for n, (start, end) in enumerate(windows)
        ),
        *((Part("join", order=len(windows) + 1, resource=_SPEECH),) if _has_all(work, len(windows)) else ()),
    )


def _memory_bytes(config: CaptionSettings) -> int:
    """What the transcriber takes, roughly; its process may stay between two parts."""
    mebibytes = next(
        (size for name, size in _MODEL_MEBIBYTES.items() if config.model.startswith(name)), _OTHER_MEBIBYTES
    )
    return mebibytes * (1 if config.compute_type.startswith("int8") else 2) << 20


def _has_all(work: Work[CaptionSettings], windows: int) -> bool:
    return windows > 0 and all(f"window-{n:04d}" in work.receipts for n in range(windows))


def _run(part: Part, ws: Workspace[CaptionSettings]) -> ListenFacts | WordsFacts:
    if part.name == "listen":
        return _listen(ws)
    if part.name == "join":
        return _join(ws)
    request = {
        "do": "transcribe",
        "pcm": str(ws.cached(_PCM, lambda path: _extract(ws, path))),
        "start": part.data["start"],
        "end": part.data["end"],
        "language": ws.facts("listen", ListenFacts).language,
    }
    words = client.call(request, ws, ws.report_progress)["words"]
    ws.deliver_bytes(cues.words_json(words), f"{part.name}.json")
    return WordsFacts(len(words))


def _listen(ws: Workspace[CaptionSettings]) -> ListenFacts:
    probed = artifacts.read_probed(ws.inputs["probe"])
    if not any(track.codec and track.channels for track in probed.media.audio):
        return ListenFacts((), None, "The file has no sound.")
    pcm = ws.cached(_PCM, lambda path: _extract(ws, path))
    answer = client.call({"do": "listen", "pcm": str(pcm)}, ws, ws.report_progress)
    if not answer["windows"]:
        return ListenFacts((), None, "No speech was found.")
    windows = tuple((start, end) for start, end in answer["windows"])
    return ListenFacts(windows, answer["language"])


def _extract(ws: Workspace[CaptionSettings], target: Path) -> None:
    """The default audio track, from the stream's zero on, as mono samples of 16 bits.

    The filters are those of `hls/audio_encode.py`: late starts and gaps become silence, so that times are right.
    """
    media = artifacts.read_probed(ws.inputs["probe"]).media
    tracks = [track for track in media.audio if track.codec and track.channels]
    track = next((track for track in tracks if track.default), tracks[0])
    stream = ffmpeg.source(ws.film)[str(track.index)]
    stream = stream.filter("asetpts", f"PTS-({media.start_seconds:.6f})/TB")
    stream = stream.filter("aresample", SAMPLE_RATE, **{"async": 1000, "first_pts": 0})
    stream = stream.filter("aformat", channel_layouts="mono", sample_rates=SAMPLE_RATE)
    # Bare samples, because the transcriber reads windows out of the middle of the file.
    options = {"f": "s16le", "c:a": "pcm_s16le", "fflags": "+bitexact"}
    # copyts: keep the source's times. max_error_rate: transcribe what decodes of a damaged file.
    ffmpeg.run([ffmpeg.output(stream, target, **options)], limits=ws.limits, stop=ws.stop,
               global_options=("-copyts", "-max_error_rate", "1"))  # fmt: skip


def _join(ws: Workspace[CaptionSettings]) -> WordsFacts:
    language = ws.facts("listen", ListenFacts).language or languages.UNKNOWN
    windows = sorted(name for name in ws.receipts if name.startswith("window-"))
    words = [word for name in windows for word in cues.read_words(ws.folder / f"{name}.json")]
    if not words:
        return WordsFacts(0)
    captions = cues.cues(words)
    ws.deliver_bytes(cues.vtt(captions), "captions.vtt")
    ws.deliver_bytes(cues.words_vtt(captions), "words.vtt")
    ws.deliver_bytes(
        cues.json_bytes({"language": language, "words": [asdict(word) for word in words]}), "words.json"
    )
    ws.deliver_bytes(cues.text(captions), "words.txt")
    text = TextTrack("captions.vtt", language, languages.name(language))
    ws.deliver_bytes(artifacts.texts_json([text]), TEXTS)
    return WordsFacts(len(words))


def _view(work: Work[CaptionSettings], _have: Set[str]) -> View:
    if not work.complete:
        return View()
    speech = work.facts("listen", ListenFacts)
    if "join" not in work.receipts or not work.facts("join", WordsFacts).words:
        return View(facts={"captions": [], "captions_note": speech.why or "No speech was found."})
    names = {name: name for name in ("captions.vtt", "words.vtt", "words.json", "words.txt")}
    language = speech.language or languages.UNKNOWN
    track = {
        "src": "captions.vtt",
        "words": "words.vtt",
        "language": language,
        "label": languages.name(language),
    }
    return View(names=names, facts={"captions": [track]})


STAGE = Stage(
    name="captions",
    version=2,
    needs=("source", "probe"),
    settings=CaptionSettings,
    parts=_parts,
    run=_run,
    view=_view,
    essential=False,
)
