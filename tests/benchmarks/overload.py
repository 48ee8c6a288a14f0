"""Goodput at five times of what a worker can serve, against its peak, in the same rounds."""

import time
from collections.abc import Callable

from .load import CONNECTIONS, load, load_at
from .measure import BenchmarkFailed, Done, Pace, Sample, interleaved, rate, timed
from .over_http import WARM_UP_S, Contender, prepared
from .report import Comparison, table
from .services import sessionary
from .stage import Stage
from .superoffice import chats

TIMES = 5
_SETTLES_S = 2.0
AT_LEAST = 0.9
_METHODS = {
    "PATCH": "PATCH of an AI session",
    "PUT": "PUT of a whole chat session",
}


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    with sessionary(stage) as service:
        sessions = prepared(service, stage.folder)
        chats_file = sessions.ids_file.with_name("chats")
        chats(service, chats_file)
        files = {"PATCH": sessions, "PUT": Contender(service, chats_file)}
        rows = [_row(stage, files[method], method, pace) for method in _METHODS]
    return table(f"{TIMES} times of what {CONNECTIONS} connections get: answered commands", rows)


def _row(stage: Stage, contender: Contender, method: str, pace: Pace) -> Comparison:
    base_url, ids_file = contender.service.base_url, contender.ids_file
    load(base_url, method, ids_file, WARM_UP_S)
    peaks: list[Sample] = []

    def peak() -> Done:
        seen = load(base_url, method, ids_file, pace.seconds)
        return Done(seen.requests, seen.duration_us / 1e6)

    def flood() -> Done:
        seen = load_at(base_url, method, ids_file, pace.seconds, TIMES * rate(peaks))
        time.sleep(_SETTLES_S)  # what the flood left at work is none of the next peak's
        if seen.wrong or seen.lost:
            raise BenchmarkFailed(f"{method} was refused without a word when to retry: {seen}")
        return Done(seen.requests - seen.refused, seen.duration_us / 1e6)

    roots = [contender.service.pid, stage.postmaster]
    peaks.append(timed(peak, roots))
    cells: dict[str, Callable[[], Sample]] = {
        "peak": lambda: timed(peak, roots),
        "flood": lambda: timed(flood, roots),
    }
    runs = interleaved(cells, pace.rounds)
    return Comparison(_METHODS[method], AT_LEAST, runs["flood"], runs["peak"])
