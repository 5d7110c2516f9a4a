"""The transcriber process: `python -m vlogd.stages.captions.transcriber REQUEST.json`.

faster-whisper and all that it needs are imported here only. Lines on standard output: `progress
0.5`, or `model-missing SENTENCE` before a failure; the answer goes to the file that the request names.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RATE = 16_000
_SCALE = 32768.0
_SHORTEST_SILENCE_SECONDS = 0.6
_PADDING_SECONDS = 0.2
_DETECTION_SECONDS = 30
_REACH_SECONDS = 0.15
_SHORTEST_WORD_SECONDS = 0.04
_LOOPS = 3
"""The same three or more words this many times in a row are the model's loop, not speech."""


def main() -> int:
    """Answer one request."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "20")
    request = json.loads(Path(sys.argv[1]).read_bytes())
    answer = _listen(request) if request["do"] == "listen" else _transcribe(request)
    if answer is None:
        return 75  # EX_TEMPFAIL (sysexits.h)
    Path(request["answer"]).write_text(json.dumps(answer))
    return 0


def _samples(path: str, start: float = 0.0, end: float | None = None) -> Any:
    import numpy as np

    count = -1 if end is None else round((end - start) * RATE)
    found = np.fromfile(path, dtype="<i2", count=count, offset=round(start * RATE) * 2)
    return found.astype("float32") / _SCALE


def _model(settings: dict[str, Any]) -> Any:
    """The loaded model; None after a line that says why not. A cached model needs no network."""
    from faster_whisper import WhisperModel

    name = settings["model"]
    options = {
        "device": settings["device"],
        "compute_type": settings["compute_type"],
        "cpu_threads": settings["threads"],
    }
    if os.sep in name and not (Path(name) / "model.bin").exists():
        print(
            f"model-missing There is no speech model in the folder {name}; set stages.captions.model.",
            flush=True,
        )
        return None
    errors = []
    for local_only in (True, False):
        try:
            return WhisperModel(name, local_files_only=local_only, **options)
        except Exception as error:  # noqa: BLE001 - the hub's client raises a dozen kinds
            errors.append(error)
    print(
        f"model-missing The speech model {name!r} is neither on this machine nor can it be fetched "
        f"({type(errors[-1]).__name__}). Let the machine reach the model hub once, or set "
        "stages.captions.model to a folder with a faster-whisper model.",
        flush=True,
    )
    return None


def _listen(request: dict[str, Any]) -> dict[str, Any] | None:
    settings = request["settings"]
    # First: while there is none, this is asked every minute, for hours of sound maybe.
    model = _model(settings)
    if model is None:
        return None
    spoken = _speech(_samples(request["pcm"]))
    if not spoken:
        return {"windows": [], "language": None}
    language = settings["language"]
    if language == "auto":
        language = _language(model, request["pcm"], spoken)
    return {"windows": _windows(spoken, settings["window_seconds"]), "language": language}


def _speech(samples: Any) -> list[tuple[float, float]]:
    """Where somebody speaks, in seconds. Ten minutes at a time: the detector's memory grows with length."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=round(_SHORTEST_SILENCE_SECONDS * 1000),
                         speech_pad_ms=round(_PADDING_SECONDS * 1000))  # fmt: skip
    block = 600 * RATE
    found: list[tuple[float, float]] = []
    for at in range(0, len(samples), block):
        for region in get_speech_timestamps(samples[at : at + block], options):
            start, end = (at + region["start"]) / RATE, (at + region["end"]) / RATE
            if found and start - found[-1][1] < _PADDING_SECONDS:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        print(f"progress {min(1.0, (at + block) / max(1, len(samples))):.3f}", flush=True)
    return found


def _language(model: Any, pcm: str, spoken: Sequence[tuple[float, float]]) -> str:
    """The language of the first half minute of speech; "en" for a model that knows only English."""
    if not model.model.is_multilingual:
        return "en"
    start = spoken[0][0]
    found, _, _ = model.detect_language(_samples(pcm, start, start + _DETECTION_SECONDS))
    return str(found)


def _windows(spoken: Sequence[tuple[float, float]], seconds: int) -> list[tuple[float, float]]:
    """Runs of speech of about `seconds`, cut in the silence where the next region would not fit."""
    windows: list[list[float]] = []
    for start, end in spoken:
        if windows and end - windows[-1][0] <= seconds:
            windows[-1][1] = end
        else:
            windows.append([start, end])
    return [(round(start, 3), round(end, 3)) for start, end in windows]


def _transcribe(request: dict[str, Any]) -> dict[str, Any] | None:
    settings = request["settings"]
    model = _model(settings)
    if model is None:
        return None
    start, end = request["start"], request["end"]
    samples = _samples(request["pcm"], start, end)
    spoken = _speech(samples)
    segments, _ = model.transcribe(
        samples,
        language=request["language"],
        beam_size=settings["beam_size"],
        # No sampling and no memory of earlier text: the same sound gives the same words.
        temperature=0.0,
        condition_on_previous_text=False,
        word_timestamps=True,
        vad_filter=True,
        # Its default cuts out pauses from two seconds on; shorter ones the model needs to hear, or it
        # moves the first word behind a pause to before it.
    )
    words: list[dict[str, Any]] = []
    for segment in segments:
        words += [
            {
                "word": word.word.strip(),
                "start": word.start,
                "end": word.end,
                "probability": round(word.probability, 3),
            }
            for word in segment.words or ()
            if word.word.strip()
        ]
        print(f"progress {min(1.0, segment.end / max(0.1, end - start)):.3f}", flush=True)
    kept = _without_loops(_with_length([_inside(word, spoken) for word in words]))
    return {
        "words": [
            {**w, "start": round(start + w["start"], 3), "end": round(start + w["end"], 3)} for w in kept
        ]
    }


def _with_length(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words that the model gave no length stand right behind the word before, not before the next one."""
    found: list[dict[str, Any]] = []
    for word in words:
        if found and word["end"] - word["start"] < _SHORTEST_WORD_SECONDS:
            end = found[-1]["end"]
            word = {**word, "start": end, "end": end + _SHORTEST_WORD_SECONDS}  # noqa: PLW2901 - the mended word
        found.append(word)
    return found


def _inside(word: dict[str, Any], spoken: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """A word moved into the speech that it belongs to.

    The model begins the first word after a silence early, by a little or by seconds, and lets the
    last one before it linger. So a word belongs to the first speech that it truly reaches into.
    """
    reached = [(min(end, word["end"]) - max(start, word["start"]), start, end) for start, end in spoken]
    touched = [one for one in reached if one[0] > 0]
    if not touched:
        return word
    _, first, last = next((one for one in touched if one[0] > _REACH_SECONDS), max(touched))
    start = max(word["start"], first)
    return {**word, "start": start, "end": max(start + 0.02, min(word["end"], last))}


def _without_loops(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words without the model's loops: of a phrase of three to eight words said over and over, one."""
    kept: list[dict[str, Any]] = []
    for word in words:
        kept.append(word)
        for length in range(3, 9):
            said = [w["word"].lower() for w in kept[-length * _LOOPS :]]
            if len(said) == length * _LOOPS and said == said[:length] * _LOOPS:
                del kept[-length * (_LOOPS - 1) :]
                break
    return kept


if __name__ == "__main__":
    sys.exit(main())
