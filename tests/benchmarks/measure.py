"""Interleaved rounds: what is compared runs by turns, so that the machine's moods hit all alike."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from statistics import median

import psutil
from msgspec import Struct


class BenchmarkFailed(Exception):
    """A measurement that would not mean what its name says."""


class Sample(Struct, frozen=True):
    """One measurement of one thing."""

    per_s: float
    """Requests or events a second."""
    cpu_ms: float
    """Processor milliseconds for each of them, of all processes that took part."""


Work = Callable[[], int]
"""Does what is measured; how many requests or events it was."""
Runs = Mapping[str, Sequence[Sample]]
"""By the name of what was measured: a sample for each round."""


class Pace(Struct, frozen=True):
    """How long to measure."""

    seconds: float
    """Of each measurement."""
    rounds: int


def timed(work: Work, roots: Sequence[int]) -> Sample:
    """Do some work once. `roots`: processes that take part with all that they started."""
    cpu_s, started = cpu_seconds(roots), time.perf_counter()
    count = work()
    wall_s, cpu_s = time.perf_counter() - started, cpu_seconds(roots) - cpu_s
    if count == 0:
        raise BenchmarkFailed("Nothing was done in the time given")
    return Sample(per_s=count / wall_s, cpu_ms=cpu_s * 1000 / count)


def interleaved(cells: Mapping[str, Callable[[], Sample]], rounds: int) -> Runs:
    """Measure each cell once a round, by turns; every second round runs backwards."""
    runs: dict[str, list[Sample]] = {name: [] for name in cells}
    for number in range(rounds):
        names = list(cells) if number % 2 == 0 else list(reversed(cells))
        for name in names:
            runs[name].append(cells[name]())
    return runs


def cpu_seconds(roots: Sequence[int]) -> float:
    """Processor time, user and system, that processes and their descendants have taken so far.

    Those that ended count too: whoever waited for a child has its time on the account.
    """
    processes = set[psutil.Process]()
    for root in roots:
        process = psutil.Process(root)
        processes |= {process, *process.children(recursive=True)}
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def this_process() -> int:
    """For work that is done in the benchmark itself."""
    return os.getpid()


def rate(samples: Sequence[Sample]) -> float:
    """Median requests or events a second."""
    return median(sample.per_s for sample in samples)


def cpu(samples: Sequence[Sample]) -> float:
    """Median processor milliseconds for one."""
    return median(sample.cpu_ms for sample in samples)
