"""Interleaved rounds: what is compared runs by turns, so that the machine's moods hit all alike."""

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


class Done(Struct, frozen=True):
    """What some work came to."""

    count: int
    """Requests or events."""
    seconds: float


Work = Callable[[], Done]
Runs = Mapping[str, Sequence[Sample]]
"""By the name of what was measured: a sample for each round."""


class Pace(Struct, frozen=True):
    """How long to measure."""

    seconds: float
    """Of each measurement."""
    rounds: int


def timed(work: Work, roots: Sequence[int]) -> Sample:
    """Do some work once. `roots`: processes that take part with all that they started."""
    before_s = cpu_seconds(roots)
    done = work()
    cpu_s = cpu_seconds(roots) - before_s
    if done.count == 0:
        raise BenchmarkFailed("Nothing was done in the time given")
    return Sample(per_s=done.count / done.seconds, cpu_ms=cpu_s * 1000 / done.count)


def interleaved(cells: Mapping[str, Callable[[], Sample]], rounds: int) -> Runs:
    """Measure each cell once a round, by turns; every second round runs backwards."""
    runs: dict[str, list[Sample]] = {name: [] for name in cells}
    for number in range(rounds):
        names = list(cells)[:: 1 if number % 2 == 0 else -1]
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


def rate(samples: Sequence[Sample]) -> float:
    """Median requests or events a second."""
    return median(sample.per_s for sample in samples)


def cpu(samples: Sequence[Sample]) -> float:
    """Median processor milliseconds for one."""
    return median(sample.cpu_ms for sample in samples)
