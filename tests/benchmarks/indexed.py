"""Events appended a second with the index of event ids, against the same log without it."""

import asyncio
import os
from functools import partial

import asyncpg

from .measure import BenchmarkFailed, Done, Pace, Sample, interleaved, timed
from .our_store import EVENTS_PER_SESSION, OurStore, our_store
from .report import Comparison, table
from .stage import Stage
from .store import CALLERS

INDEX = "stored_events_partition_event_id_idx"
WARM_SESSIONS = 5_000


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    with our_store(stage, "indexed") as with_it, our_store(stage, "plain") as without:
        asyncio.run(_drop(without.url))
        for each in (with_it, without):
            each.append_sessions(CALLERS, WARM_SESSIONS)
        cells = {
            "with": partial(_measured, stage, with_it, pace),
            "without": partial(_measured, stage, without, pace),
        }
        runs = interleaved(cells, pace.rounds)
    comparison = Comparison(f"{CALLERS} callers", 0.95, runs["with"], runs["without"])
    title = f"Store with the index of event ids, against without it: events ({EVENTS_PER_SESSION} "
    return table(f"{title}events a stream)", [comparison])


def _measured(stage: Stage, store: OurStore, pace: Pace) -> Sample:
    def work() -> Done:
        return store.append(CALLERS, pace.seconds)

    return timed(work, [os.getpid(), stage.postmaster])


async def _drop(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("SELECT to_regclass($1)", INDEX) is None:
            raise BenchmarkFailed(f"There is no index {INDEX}")
        await connection.execute(f"DROP INDEX {INDEX}")
    finally:
        await connection.close()
