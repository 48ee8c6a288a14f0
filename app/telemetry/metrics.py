"""Metrics for Prometheus; several worker processes add theirs up in one folder of files."""

from collections.abc import Callable
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_SECONDS = Histogram(
    "sessionary_request_seconds",
    "Time from a request's arrival to its last byte.",
    ["face", "operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
_REQUESTS = Counter(
    "sessionary_requests", "Answers by status class.", ["face", "operation", "status"]
)
BATCHES = Counter("sessionary_log_batches", "Batches appended to the log.")
COMMANDS = Counter("sessionary_log_commands", "Commands in those batches.")
CONFLICTS = Counter("sessionary_log_conflicts", "Commands whose stream had moved on.")
STORE_FAILURES = Counter(
    "sessionary_store_failures", "Statements that failed in a passing way and were tried again."
)
NUMBERS_USED = Gauge(
    "sessionary_numbers_used_ratio",
    "Which part of a sequence's numbers is given out; at 1 nothing new can be made.",
    ["sequence"],
    multiprocess_mode="max",
)
LOG_AHEAD = Gauge(
    "sessionary_log_ahead_seconds",
    "How far the log's time is ahead of the database's clock; until then all has one time.",
    multiprocess_mode="mostrecent",
)


_answered = 0


def answered() -> int:
    """How many requests this process has answered so far."""
    return _answered


@cache
def of(face: str, operation: str) -> Callable[[int, float], None]:
    """A function to call with the status and the seconds of each answer of an operation."""
    observe = _SECONDS.labels(face, operation).observe
    count = {digit: _REQUESTS.labels(face, operation, f"{digit}xx").inc for digit in range(1, 6)}

    def measured(status: int, seconds: float) -> None:
        global _answered
        _answered += 1
        observe(seconds)
        count[status // 100]()

    return measured


def text(folder: str | None) -> bytes:
    """All metrics as text; `folder`: of the workers' files, None for a single worker."""
    if folder is None:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=folder)
    return generate_latest(registry)
