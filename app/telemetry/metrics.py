"""Metrics for Prometheus; several worker processes add theirs up in one folder of files.

A series begins at its first use, so that a scrape shows what there is and nothing else.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import psutil
from msgspec import Struct
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector
from prometheus_client.samples import Sample

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
disable_created_metrics()
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_SECONDS = Histogram(
    "sessionary_request_seconds",
    "Time from a request's arrival to its last byte.",
    ["face", "operation"],
    buckets=_SHORT,
)
_REQUESTS = Counter(
    "sessionary_requests", "Answers by status class.", ["face", "operation", "status"]
)
UNMATCHED = Counter("sessionary_unmatched_requests", "Requests for paths or verbs without a route.")
REFUSALS = Counter("sessionary_refusals", "Refused requests, by the code of the error.", ["reason"])
SIGN_IN_FAILURES = Counter(
    "sessionary_sign_in_failures", "Callers with wrong credentials.", ["reason"]
)
THROTTLED = Counter(
    "sessionary_throttled",
    "Requests refused because their callers had to wait: after wrong passwords, or at their rate.",
)
APPEND_SECONDS = Histogram(
    "sessionary_append_seconds", "Time of one append of a batch, its commit included.",
    buckets=_SHORT,
)  # fmt: skip
APPEND_BATCH_SIZE = Histogram(
    "sessionary_append_batch_size", "Commands that shared one append.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)  # fmt: skip
CONFLICTS = Counter("sessionary_conflicts", "Commands whose stream had moved on.")
REPLAYS = Counter("sessionary_idempotent_replays", "Retries that were answered as the first time.")
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
WITNESS_FAILURES = Counter(
    "sessionary_witness_failures", "Checkpoints that a witness has not cosigned.",
    ["witness", "reason"],
)  # fmt: skip
UNCOSIGNED_S = Gauge(
    "sessionary_checkpoint_uncosigned_seconds",
    "How long a signed checkpoint waits for the cosignatures of witnesses; 0: it has all.",
    multiprocess_mode="livemax",
)
PUBLISHING_FAILURES = Counter(
    "sessionary_publishing_failures", "Checkpoints that a second place has not taken.", ["place"]
)
UNPUBLISHED_S = Gauge(
    "sessionary_checkpoint_unpublished_seconds",
    "How long a signed checkpoint waits for its second place; 0: that has all.",
    ["place"],
    multiprocess_mode="livemax",
)
POOL = Gauge(
    "sessionary_pool_connections",
    "Connections of a worker's pools: at work, idle, and statements that wait for one.",
    ["pool", "state"],
    multiprocess_mode="livesum",
)
PRIMARY = Gauge(
    "sessionary_database_primary",
    "Whether the host is taken for the primary, where the database's URL names several.",
    ["host"],
    multiprocess_mode="livemostrecent",
)
STANDBY_READS = Counter(
    "sessionary_standby_reads",
    "Requests that the standby might have answered: what became of them.",
    ["result"],
)
STANDBY = Gauge(
    "sessionary_standby", "Whether the standby is read, behind, or away: 1 for what it is.",
    ["state"], multiprocess_mode="livemostrecent",
)  # fmt: skip
IN_FLIGHT = Gauge(
    "sessionary_requests_in_flight", "Requests that are being carried out.",
    multiprocess_mode="livesum",
)  # fmt: skip
QUEUE = Gauge(
    "sessionary_queue_waiting", "Commands that wait for the append before theirs.",
    multiprocess_mode="livesum",
)  # fmt: skip
CPU_SECONDS = Counter(
    "sessionary_process_cpu_seconds", "Processor time of a worker's process.", ["worker"]
)
RESIDENT_BYTES = Gauge(
    "sessionary_process_resident_bytes", "Memory of a worker's process.", ["worker"],
    multiprocess_mode="livemostrecent",
)  # fmt: skip


_answered = 0


def answered() -> int:
    """How many requests this process has answered so far."""
    return _answered


class Measure:
    """To be called with the status and the seconds of each answer of an operation."""

    __slots__ = ("_count", "_face", "_observe", "_operation")

    def __init__(self, face: str, operation: str) -> None:
        """Nothing is counted before the first call."""
        self._face = face
        self._operation = operation
        self._observe: Callable[[float], None] | None = None
        self._count: dict[int, Callable[[], None]] = {}

    def __call__(self, status: int, seconds: float) -> None:
        """Count an answer."""
        global _answered
        _answered += 1
        if self._observe is None:
            self._observe = _SECONDS.labels(self._face, self._operation).observe
        self._observe(seconds)
        self._counted(status)

    def count(self, status: int) -> None:
        """Count an answer whose time says nothing of how long its operation takes."""
        global _answered
        _answered += 1
        self._counted(status)

    def _counted(self, status: int) -> None:
        digit = status // 100
        count = self._count.get(digit)
        if count is None:
            series = _REQUESTS.labels(self._face, self._operation, f"{digit}xx")
            count = self._count[digit] = series.inc
        count()


class Reading(Struct, frozen=True):
    """A value that is looked up for a scrape, and not kept between two."""

    name: str
    help: str
    value: float
    labels: dict[str, str] = {}


class _Readings(Collector):
    """The readings of one scrape."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._families: dict[str, Metric] = {}
        for each in readings:
            family = self._families.setdefault(
                each.name, GaugeMetricFamily(each.name, each.help, labels=list(each.labels))
            )
            assert isinstance(family, GaugeMetricFamily)
            family.add_metric(list(each.labels.values()), each.value)

    def collect(self) -> Iterator[Metric]:
        yield from self._families.values()


def samples(folder: str | None, names: Collection[str]) -> Iterator[Sample]:
    """The present values of some metrics of all workers; `folder` as in `text`."""
    registry = REGISTRY
    if folder is not None:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=folder)
    for family in registry.collect():
        if family.name in names:
            yield from family.samples


def text(folder: str | None, readings: Iterable[Reading] = ()) -> bytes:
    """All metrics as text; `folder`: of the workers' files, None for a single worker."""
    registry = CollectorRegistry()
    build = Reading(
        "sessionary_build_info", "The release that serves.", 1, {"version": version("sessionary")}
    )
    registry.register(_Readings([build, *readings]))
    if folder is None:
        return generate_latest(registry) + generate_latest(REGISTRY)
    _forget_the_dead(folder)
    multiprocess.MultiProcessCollector(registry, path=folder)
    return generate_latest(registry)


def _forget_the_dead(folder: str) -> None:
    """Remove what workers that have died told of the moment; their counts go on counting."""
    for file in Path(folder).glob("gauge_live*_*.db"):
        if not psutil.pid_exists(int(file.stem.rpartition("_")[2])):
            file.unlink(missing_ok=True)
