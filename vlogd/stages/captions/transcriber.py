"""The transcriber process: `python -P transcriber.py REQUEST.json`. It imports nothing of vlogd.

faster-whisper and all that it needs are imported here only. Only `fetch` may use the network, where it gets one. On
standard output it writes lines: `progress 0.5`, or `model-missing SENTENCE` before it fails. The answer goes to the
file that the request names.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SAMPLE_RATE = 16_000
"""Samples a second that Whisper takes (its paper, 2.2)."""

_SAMPLE_BYTES = 2
_FULL_SCALE = 32768.0
"""Samples of 16 bits become numbers from -1 to 1."""

_SHORTEST_SILENCE_SECONDS = 0.6
"""Shorter silences lie within sentences; a window must not be cut there."""

_PADDING_SECONDS = 0.2
"""Kept on both sides of speech: the voice detector misses soft first and last sounds."""

_DETECTION_BLOCK_SECONDS = 600
"""How much is analysed at a time: the voice detector's memory grows with the length of its input."""

_LANGUAGE_SECONDS = 30
"""The length that Whisper processes at once, and detects the language from (its paper, 2.1)."""

_REACH_SECONDS = 0.15
"""A word that overlaps a stretch of speech by less only touches it."""

_SHORTEST_WORD_SECONDS = 0.04
"""Two of the model's time steps of 20 ms: what is shorter has no length."""

_LOOPS = 3
"""The same three or more words this many times in a row are a loop of the model's, not speech."""

_LOOP_WORDS = range(3, 9)
"""Lengths of phrases: people do repeat one or two words three times; the model's loops are mostly short sentences."""

_TEMPORARY_FAILURE = 75
"""EX_TEMPFAIL (sysexits.h)."""


def main() -> int:
    """Answer one request: fetch the model, find speech and its language, or transcribe a window."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "20")
    request = json.loads(Path(sys.argv[1]).read_bytes())
    answers = {"fetch": _fetch, "listen": _listen, "transcribe": _transcribe}
    answer = answers[request["do"]](request)
    if answer is None:
        return _TEMPORARY_FAILURE
    Path(request["answer"]).write_text(json.dumps(answer))
    return 0


def _samples(path: str, start: float = 0.0, end: float | None = None) -> Any:
    import numpy as np

    count = -1 if end is None else round((end - start) * SAMPLE_RATE)
    offset = round(start * SAMPLE_RATE) * _SAMPLE_BYTES
    samples = np.fromfile(path, dtype="<i2", count=count, offset=offset)
    return samples.astype("float32") / _FULL_SCALE


def _model(settings: dict[str, Any]) -> Any:
    """The loaded model, which must be on this machine; None after printing a line that says why it is not."""
    from faster_whisper import WhisperModel

    options = {
        "device": settings["device"],
        "compute_type": settings["compute_type"],
        "cpu_threads": settings["threads"],
    }
    return _found(settings["model"], lambda name: WhisperModel(name, local_files_only=True, **options))


def _fetch(request: dict[str, Any]) -> dict[str, Any] | None:
    from faster_whisper import download_model

    def find(name: str) -> Any:
        try:
            return download_model(name, local_files_only=True)
        except Exception:  # noqa: BLE001 - the hub's client raises a dozen kinds
            return download_model(name)

    folder = _found(request["settings"]["model"], find)
    return None if folder is None else {"folder": str(folder)}


def _found(name: str, find: Callable[[str], Any]) -> Any:
    """What `find` finds for a model; None after printing a line that says why."""
    if os.sep in name and not (Path(name) / "model.bin").exists():
        print(
            f"model-missing There is no speech model in the folder {name}; set stages.captions.model.",
            flush=True,
        )
        return None
    try:
        return find(name)
    except Exception as error:  # noqa: BLE001 - as above
        print(
            f"model-missing The speech model {name!r} is neither on this machine nor can it be fetched "
            f"({type(error).__name__}). Let `vlogd fetch-model` reach the model hub once (as a service: `systemctl "
            "restart vlogd-model`), or set stages.captions.model to a folder with a faster-whisper model.",
            flush=True,
        )
        return None


def _listen(request: dict[str, Any]) -> dict[str, Any] | None:
    settings = request["settings"]
    # The model first: while it is missing this is tried every minute, and detecting speech may take long.
    model = _model(settings)
    if model is None:
        return None
    speech = _speech(_samples(request["pcm"]))
    if not speech:
        return {"windows": [], "language": None}
    language = settings["language"]
    if language == "auto":
        language = _language(model, request["pcm"], speech)
    return {"windows": _windows(speech, settings["window_seconds"]), "language": language}


def _speech(samples: Any) -> list[tuple[float, float]]:
    """The stretches of speech: start and end of each, in seconds."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=round(_SHORTEST_SILENCE_SECONDS * 1000),
                         speech_pad_ms=round(_PADDING_SECONDS * 1000))  # fmt: skip
    block = _DETECTION_BLOCK_SECONDS * SAMPLE_RATE
    stretches: list[tuple[float, float]] = []
    for at in range(0, len(samples), block):
        for region in get_speech_timestamps(samples[at : at + block], options):
            start, end = (at + region["start"]) / SAMPLE_RATE, (at + region["end"]) / SAMPLE_RATE
            if stretches and start - stretches[-1][1] < _PADDING_SECONDS:
                stretches[-1] = (stretches[-1][0], end)
            else:
                stretches.append((start, end))
        print(f"progress {min(1.0, (at + block) / max(1, len(samples))):.3f}", flush=True)
    return stretches


def _language(model: Any, pcm: str, speech: Sequence[tuple[float, float]]) -> str:
    """The language of the first half minute of speech; "en" for a model that knows only English."""
    if not model.model.is_multilingual:
        return "en"
    start = speech[0][0]
    language, _, _ = model.detect_language(_samples(pcm, start, start + _LANGUAGE_SECONDS))
    return str(language)


def _windows(speech: Sequence[tuple[float, float]], seconds: int) -> list[tuple[float, float]]:
    """Runs of speech of up to `seconds`, cut in the silence before a stretch that would not fit."""
    windows: list[list[float]] = []
    for start, end in speech:
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
    speech = _speech(samples)
    segments, _ = model.transcribe(
        samples,
        language=request["language"],
        beam_size=settings["beam_size"],
        # No random sampling and no memory of earlier text: the same audio always gives the same words.
        temperature=0.0,
        condition_on_previous_text=False,
        word_timestamps=True,
        vad_filter=True,
        # Its default cuts out pauses of two seconds and more. Shorter ones the model needs to get, or it moves the first
        # word after a pause to before it.
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
    kept = _without_loops(_with_length([_inside(word, speech) for word in words]))
    return {
        "words": [
            {**w, "start": round(start + w["start"], 3), "end": round(start + w["end"], 3)} for w in kept
        ]
    }


def _with_length(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words to which the model gave no length are placed right after the previous word instead of before the next one."""
    result: list[dict[str, Any]] = []
    for word in words:
        if result and word["end"] - word["start"] < _SHORTEST_WORD_SECONDS:
            start = result[-1]["end"]
            result.append({**word, "start": start, "end": start + _SHORTEST_WORD_SECONDS})
        else:
            result.append(word)
    return result


def _inside(word: dict[str, Any], speech: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """A word moved into the stretch of speech that it belongs to.

    The model begins the first word after a silence early, by a little or by seconds, and lets the last one before it last
    too long. So a word belongs to the first stretch that it overlaps by more than a touch.
    """
    overlaps = [(min(end, word["end"]) - max(start, word["start"]), start, end) for start, end in speech]
    overlaps = [overlap for overlap in overlaps if overlap[0] > 0]
    if not overlaps:
        return word
    _, first, last = next((overlap for overlap in overlaps if overlap[0] > _REACH_SECONDS), max(overlaps))
    start = max(word["start"], first)
    return {**word, "start": start, "end": max(start + _SHORTEST_WORD_SECONDS / 2, min(word["end"], last))}


def _without_loops(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words without the model's loops: a phrase that is repeated over and over is kept once."""
    kept: list[dict[str, Any]] = []
    for word in words:
        kept.append(word)
        for length in _LOOP_WORDS:
            last_words = [kept_word["word"].lower() for kept_word in kept[-length * _LOOPS :]]
            if len(last_words) == length * _LOOPS and last_words == last_words[:length] * _LOOPS:
                del kept[-length * (_LOOPS - 1) :]
                break
    return kept


if __name__ == "__main__":
    sys.exit(main())
