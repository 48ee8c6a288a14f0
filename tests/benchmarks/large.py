"""Appends and reads on a log of many events, against those on one that is all but empty."""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from functools import partial

import asyncpg

from app.database.sql import blocks
from domain.ids import StreamId

from .measure import Done, Pace, Sample, interleaved, timed
from .our_store import OurStore, our_store
from .report import Comparison, table
from .stage import Stage
from .store import CALLERS

SQL = blocks(__file__)
WARM_SESSIONS = 2_000
READ_SESSIONS = 20_000
"""Of the large log: more than the connections' own caches hold, and each as old as any."""


def run(stage: Stage, pace: Pace, events: int) -> str:
    """Measure, by turns, and tell in a Markdown table. `events`: of the large log."""
    with our_store(stage, "large") as large, our_store(stage, "empty") as empty:
        for each in (large, empty):
            each.append_sessions(CALLERS, WARM_SESSIONS)
        asyncio.run(_fill(large.url, events))
        streams = {each.url: asyncio.run(_streams(each.url)) for each in (large, empty)}
        appends = interleaved(
            {
                name: partial(_appended, stage, each, pace)
                for name, each in (("large", large), ("empty", empty))
            },
            pace.rounds,
        )
        reads = interleaved(
            {
                name: partial(_read, stage, each, streams[each.url], pace)
                for name, each in (("large", large), ("empty", empty))
            },
            pace.rounds,
        )
    comparisons = [
        Comparison(f"append, {CALLERS} callers", 0.85, appends["large"], appends["empty"]),
        Comparison(f"GET by id, {CALLERS} callers", 0.85, reads["large"], reads["empty"]),
    ]
    return table(f"A log of {events:,} events, against an empty one", comparisons)


def _appended(stage: Stage, store: OurStore, pace: Pace) -> Sample:
    def work() -> Done:
        return store.append(CALLERS, pace.seconds)

    return timed(work, [os.getpid(), stage.postmaster])


def _read(stage: Stage, store: OurStore, streams: Sequence[StreamId], pace: Pace) -> Sample:
    def work() -> Done:
        return store.loop.run(_read_for(store, streams, pace.seconds))

    return timed(work, [os.getpid(), stage.postmaster])


async def _read_for(store: OurStore, streams: Sequence[StreamId], seconds: float) -> Done:
    started = time.perf_counter()

    async def keep_reading() -> int:
        count = 0
        while time.perf_counter() < started + seconds:
            row = await store.service.views.get("ai_session", random.choice(streams))
            assert row is not None
            count += 1
        return count

    counts = await asyncio.gather(*(keep_reading() for _ in range(CALLERS)))
    return Done(sum(counts), time.perf_counter() - started)


async def _fill(url: str, events: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        before = await connection.fetchval(SQL["position"])
        async with connection.transaction():
            await connection.execute(SQL["events"], before, events)
            await connection.execute(SQL["rows"], before, events)
            await connection.execute(SQL["head"], events)
        await connection.execute(SQL["settle"])
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _streams(url: str) -> Sequence[StreamId]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(SQL["streams"], READ_SESSIONS)]
    finally:
        await connection.close()
