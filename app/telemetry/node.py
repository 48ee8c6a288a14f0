"""How the workers of this node do, from their metrics, and the disk that the process can see."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from app.telemetry import metrics
from app.telemetry.operations import quantile_ms

_SECONDS = "sessionary_request_seconds"
_APPENDS = "sessionary_append_seconds"
_BATCHES = "sessionary_append_batch_size"
_POOL = "sessionary_pool_connections"


class Span(Struct, frozen=True, kw_only=True, rename="camel"):
    """Within which milliseconds something was done, since the workers started."""

    count: int
    p50_ms: float | None
    """Half of them; null: none so far, or beyond 10 s."""
    p99_ms: float | None


class PoolFigures(Struct, frozen=True, kw_only=True, rename="camel"):
    """The connections of the workers' pools of one name."""

    name: str
    connections: dict[str, int]
    """By state; `waiting`: statements that wait for one."""


class Disk(Struct, frozen=True, kw_only=True, rename="camel"):
    """The disk of the embedded database."""

    free_bytes: int
    total_bytes: int


class Node(Struct, frozen=True, kw_only=True, rename="camel"):
    """The workers of this node together."""

    requests: Span
    appends: Span
    batch_size: float | None
    """Commands that shared an append, as a mean; null: none so far."""
    pools: list[PoolFigures]
    disk: Disk | None
    """Null: the database's disk is another machine's, and cannot be seen from here."""


def node(folder: str | None, data_dir: Path | None) -> Node:
    """Their figures; `folder`: of the workers' files, as in `metrics.text`.

    `data_dir`: of the embedded database, if there is one.
    """
    buckets: dict[str, dict[float, float]] = {_SECONDS: {}, _APPENDS: {}}
    sums: dict[str, float] = {}
    pools: dict[str, dict[str, int]] = {}
    for sample in metrics.samples(folder, (_SECONDS, _APPENDS, _BATCHES, _POOL)):
        of, _, part = sample.name.rpartition("_")
        if sample.name == _POOL:
            states = pools.setdefault(sample.labels["pool"], {})
            states[sample.labels["state"]] = int(sample.value)
        elif part == "bucket" and of in buckets:
            end = float(sample.labels["le"])
            buckets[of][end] = buckets[of].get(end, 0.0) + sample.value
        else:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    batches = sums.get(f"{_BATCHES}_count", 0.0)
    return Node(
        requests=_span(buckets[_SECONDS].items()),
        appends=_span(buckets[_APPENDS].items()),
        batch_size=round(sums[f"{_BATCHES}_sum"] / batches, 2) if batches else None,
        pools=[
            PoolFigures(name=name, connections=states) for name, states in sorted(pools.items())
        ],
        disk=_disk(data_dir),
    )


def _span(found: Iterable[tuple[float, float]]) -> Span:
    buckets = sorted(found)
    return Span(
        count=int(buckets[-1][1]) if buckets else 0,
        p50_ms=quantile_ms(buckets, 0.5),
        p99_ms=quantile_ms(buckets, 0.99),
    )


def _disk(data_dir: Path | None) -> Disk | None:
    if data_dir is None:
        return None
    try:
        usage = shutil.disk_usage(data_dir.expanduser())
    except OSError:  # another account's folder
        return None
    return Disk(free_bytes=usage.free, total_bytes=usage.total)
