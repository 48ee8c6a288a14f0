"""Resident memory of a worker, idle and under a mixed load, against its limit."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import psutil

from .load import CONNECTIONS, load
from .measure import BenchmarkFailed, Pace
from .over_http import prepared
from .report import limits_table
from .services import Service, sessionary
from .stage import Stage
from .superoffice import chats

AT_MOST_MIB = 160
_FILLS = 5
"""So many times a measurement it is loaded before: what it remembers is full then."""
_LOOKS_S = 0.05


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    with sessionary(stage) as service:
        worker = _worker(service)
        idle = [_mib(worker)]
        contender = prepared(service, stage.folder)
        chats(service, contender.ids_file.with_name(f"{contender.ids_file.name}.chats"))
        for method in ("POST", "MIXED"):
            load(service.base_url, method, contender.ids_file, _FILLS * pace.seconds)
        loaded: list[float] = []
        for _ in range(pace.rounds):
            with _watched(worker, loaded):
                load(service.base_url, "MIXED", contender.ids_file, pace.seconds)
    rows = [
        (what, float(AT_MOST_MIB), median(seen), min(seen), max(seen))
        for what, seen in (
            ("idle", idle),
            (f"at {CONNECTIONS} connections: POST, PATCH, PUT, GET and lists", loaded),
        )
    ]
    return limits_table("A worker's resident memory: MiB", rows)


def _worker(service: Service) -> psutil.Process:
    """The process that serves: the largest of the command's children."""
    children = psutil.Process(service.pid).children()
    if not children:
        raise BenchmarkFailed("The service has no worker")
    return max(children, key=_mib)


def _mib(process: psutil.Process) -> float:
    resident: int = process.memory_info().rss
    return resident / 2**20


@contextmanager
def _watched(process: psutil.Process, seen: list[float]) -> Iterator[None]:
    """Put the most that a process took while the block lasted at the end of `seen`."""
    most, over = 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(_LOOKS_S):
            most = max(most, _mib(process))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
        seen.append(max(most, _mib(process)))
