"""Goodput at five times of what a worker can serve, against its peak, and how long refusals take.

It is counted in the log, in the middle of a load: at its ends, connections are made, and a worker
has hundreds of commands at work that no caller sees answered.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import asyncpg

from .load import CONNECTIONS, Load, load, load_at
from .measure import BenchmarkFailed, Pace, Sample, cpu_seconds, interleaved, rate
from .over_http import WARM_UP_S, Contender, prepared
from .refusals import Waits, at, refusals
from .report import Comparison, markdown, table
from .services import sessionary
from .stage import Stage
from .superoffice import chats

TIMES = 5
_BEGINS_S, _ENDS_S = 4.0, 2.0
"""Seconds of a load before its middle, and after it."""
_SETTLES_S = 2.0
AT_LEAST = 0.9
AT_MOST_MS = 50.0
_METHODS = {
    "PATCH": "PATCH of an AI session",
    "PUT": "PUT of a whole chat session",
}
_WRITTEN = "SELECT sum(position)::bigint FROM log_partition"
"""A command of either method is one event."""


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    waits: dict[str, list[Waits]] = {method: [] for method in _METHODS}
    with sessionary(stage) as service:
        sessions = prepared(service, stage.folder)
        chats_file = sessions.ids_file.with_name("chats")
        chats(service, chats_file)
        files = {"PATCH": sessions, "PUT": Contender(service, chats_file)}

        def look(method: str, seconds: float) -> None:
            waits[method].append(refusals(service.base_url, sessions.ids_file, seconds))

        rows = [
            _row(stage, files[method], method, pace, partial(look, method)) for method in _METHODS
        ]
    title = f"{TIMES} times of what {CONNECTIONS} connections get: commands carried out"
    return f"{table(title, rows)}\n{_waited(waits)}"


def _waited(waits: Mapping[str, Sequence[Waits]]) -> str:
    """A table of how long refusals took."""
    rows = []
    for method, rounds in waits.items():
        refused = [each for seen in rounds for each in seen.refusals]
        if not refused:
            raise BenchmarkFailed(f"{method}: nobody was refused")
        late = at(0.99, [each for seen in rounds for each in seen.late])
        parts = [f"{at(part, refused):.1f}" for part in (0.5, 0.99, 1)]
        rows.append((_METHODS[method], f"{AT_MOST_MS:g}", *parts, str(len(refused)), f"{late:.1f}"))
    head = ("beside", "p99 at most", "p50", "p99", "longest", "refusals", "client late, p99")
    title = "A refusal: ms from the request's last byte to the answer's first"
    return markdown(title, head, rows)


def _row(
    stage: Stage, contender: Contender, method: str, pace: Pace, look: Callable[[float], None]
) -> Comparison:
    base_url, ids_file = contender.service.base_url, contender.ids_file
    load(base_url, method, ids_file, WARM_UP_S)
    peaks: list[Sample] = []
    whole_s = _BEGINS_S + pace.seconds + _ENDS_S

    def peak() -> Load:
        return load(base_url, method, ids_file, whole_s)

    def flood() -> Load:
        seen = load_at(base_url, method, ids_file, whole_s, TIMES * rate(peaks))
        time.sleep(_SETTLES_S)  # what the flood left at work is none of the next peak's
        if seen.wrong or seen.lost:
            raise BenchmarkFailed(f"{method} was refused without a word when to retry: {seen}")
        return seen

    roots = [contender.service.pid, stage.postmaster]
    url = contender.service.database_url
    assert url is not None  # it is ours
    peaks.append(_amid(peak, url, roots, pace.seconds))
    cells: dict[str, Callable[[], Sample]] = {
        "peak": lambda: _amid(peak, url, roots, pace.seconds),
        "flood": lambda: _amid(flood, url, roots, pace.seconds, look),
    }
    runs = interleaved(cells, pace.rounds)
    return Comparison(_METHODS[method], AT_LEAST, runs["flood"], runs["peak"])


def _amid(
    work: Callable[[], Load],
    url: str,
    roots: Sequence[int],
    seconds: float,
    meanwhile: Callable[[float], None] = time.sleep,
) -> Sample:
    """What is carried out in the middle of a load; `meanwhile` lasts for so many seconds."""
    with ThreadPoolExecutor(1) as beside:
        loading = beside.submit(work)
        time.sleep(_BEGINS_S)
        before, since, cpu_before_s = *_written(url), cpu_seconds(roots)
        meanwhile(seconds)
        after, until, cpu_after_s = *_written(url), cpu_seconds(roots)
        loading.result()
    done = after - before
    if done == 0:
        raise BenchmarkFailed("Nothing was done in the time given")
    return Sample(done / (until - since), (cpu_after_s - cpu_before_s) * 1000 / done)


def _written(url: str) -> tuple[int, float]:
    """How many events the log holds, and when."""

    async def ask() -> tuple[int, float]:
        connection = await asyncpg.connect(url)
        try:
            asked = time.perf_counter()
            count: int = await connection.fetchval(_WRITTEN)
            return count, (asked + time.perf_counter()) / 2
        finally:
            await connection.close()

    return asyncio.run(ask())
