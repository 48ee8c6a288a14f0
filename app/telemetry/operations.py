"""How each operation does: answers, times and refusals, from the metrics of all workers."""

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from app.telemetry import metrics

_REQUESTS = "sessionary_requests"
_SECONDS = "sessionary_request_seconds"


class OperationFigures(Struct, frozen=True, kw_only=True, rename="camel"):
    """One operation since its workers started."""

    face: str
    operation: str
    answers: int
    refused: int
    """With a status from 400 on."""
    failed: int
    """With a status from 500 on."""
    p50_ms: float | None
    """Half of the answers took no longer, as far as the buckets tell; null: beyond 10 s."""
    p99_ms: float | None


def operations(folder: str | None) -> list[OperationFigures]:
    """Those that were called, most called first; `folder`: of the workers' files, as in `text`."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    buckets: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for sample in metrics.samples(folder, (_REQUESTS, _SECONDS)):
        key = sample.labels["face"], sample.labels["operation"]
        if sample.name == f"{_REQUESTS}_total":
            counts.setdefault(key, {})[sample.labels["status"]] = int(sample.value)
        elif sample.name == f"{_SECONDS}_bucket":
            buckets.setdefault(key, []).append((float(sample.labels["le"]), sample.value))
    found = [_figures(*key, by, sorted(buckets.get(key, ()))) for key, by in counts.items()]
    return sorted(found, key=lambda each: -each.answers)


def _figures(
    face: str, operation: str, by: Mapping[str, int], buckets: Sequence[tuple[float, float]]
) -> OperationFigures:
    return OperationFigures(
        face=face,
        operation=operation,
        answers=sum(by.values()),
        refused=by.get("4xx", 0),
        failed=by.get("5xx", 0),
        p50_ms=quantile_ms(buckets, 0.5),
        p99_ms=quantile_ms(buckets, 0.99),
    )


def quantile_ms(buckets: Sequence[tuple[float, float]], part: float) -> float | None:
    """The milliseconds within which a part of all is done, as PromQL's histogram_quantile gives it.

    `buckets`: upper ends in seconds and cumulative counts, ascending. None without any, and where
    the last bucket, which has no end, would say it.
    """
    if not buckets or buckets[-1][1] == 0:
        return None
    rank, below_s, before = part * buckets[-1][1], 0.0, 0.0
    for end_s, count in buckets:
        if count >= rank:
            if math.isinf(end_s):
                return None
            share = (rank - before) / (count - before) if count > before else 1.0
            return round((below_s + (end_s - below_s) * share) * 1000, 2)
        below_s, before = end_s, count
    return None
