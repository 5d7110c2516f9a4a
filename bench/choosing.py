#!/usr/bin/env python3
"""What it costs to choose the next part while many videos have many parts to do.

    .venv/bin/python bench/choosing.py [--videos 64] [--parts 900] [--rounds 20]

A choice is made whenever a slot may have become free: what may run is brought up to date after the last part, and
the most urgent part of all is taken. Each round starts one part on a free slot beside one that runs.
"""

import argparse
import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from types import ModuleType

_SLOTS = {"cpu": 2, "speech": 1}


def choices(videos: int, parts: int) -> Iterator[None]:
    """Choose one part after another; each step of the iterator is one choice."""
    scheduler, model = _modules()
    if hasattr(scheduler, "Scheduler"):
        yield from _choices_by_heaps(scheduler, model, videos, parts)
        return
    candidate = getattr(scheduler, "Candidate", None) or scheduler.Wanted
    waiting = {
        f"{video:016x}": {
            f"chunk-{part:04d}": model.Part(f"chunk-{part:04d}", order=part) for part in range(parts)
        }
        for video in range(videos)
    }
    running = [candidate("0" * 16, 0.0, "hls", 1, waiting["0" * 16].pop("chunk-0000"))]
    while True:
        candidates = [
            candidate(item_id, float(accepted_at), "hls", 1, part)
            for accepted_at, (item_id, todo) in enumerate(waiting.items())
            for part in todo.values()
        ]
        (chosen,) = scheduler.choose(candidates, running, _SLOTS)
        del waiting[chosen.item_id][chosen.part.name]
        running = [chosen]
        yield


def _choices_by_heaps(scheduler: ModuleType, model: ModuleType, videos: int, parts: int) -> Iterator[None]:
    """The same with a scheduler that is told once which parts wait."""
    waiting = scheduler.Scheduler(_SLOTS)
    for video in range(videos):
        candidates = [
            scheduler.Candidate(
                f"{video:016x}", float(video), "hls", 1, model.Part(f"chunk-{part:04d}", order=part)
            )
            for part in range(parts)
        ]
        waiting.offer(candidates[0].step, candidates)
    running, _ = waiting.choose()
    while True:
        waiting.ended(running)
        (running,) = waiting.choose()
        yield


def _modules() -> tuple[ModuleType, ModuleType]:
    """The modules of the scheduler and of `Part`, by their names in this version or in the first ones."""
    try:
        return importlib.import_module("vlogd.engine.scheduler"), importlib.import_module("vlogd.core.model")
    except ModuleNotFoundError:
        return importlib.import_module("vlogd.schedule"), importlib.import_module("vlogd.model")


def timed(step: Callable[[], None]) -> float:
    """CPU seconds that a step takes, so that other programs on the machine do not count."""
    began = time.process_time()
    step()
    return time.process_time() - began


def main() -> None:
    """Print the median and the longest choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=64)
    parser.add_argument("--parts", type=int, default=900)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    rounds = choices(arguments.videos, arguments.parts)
    next(rounds)  # imports and the first tables are no part of a choice
    seconds = [timed(lambda: next(rounds)) for _ in range(arguments.rounds)]
    print(f"{arguments.videos} videos of {arguments.parts} parts: {1e6 * statistics.median(seconds):,.0f} µs of CPU a choice "
          f"(median of {len(seconds)}), {1e6 * max(seconds):,.0f} µs at most")  # fmt: skip


if __name__ == "__main__":
    main()
