"""Events rebuilt a second in one process, against only reading and decoding the same events."""

import asyncio
import os
import time

import uvloop

from app.log.keyring import Keyring
from app.log.read import heads, read_feed
from app.maintenance.store import connected
from app.rebuild.rebuild import named, rebuild

from .measure import BenchmarkFailed, Done, Pace, Sample, interleaved, timed
from .our_store import EVENTS_PER_SESSION, OurStore, our_store
from .report import Comparison, table
from .stage import Stage

CALLERS = 256


def run(stage: Stage, pace: Pace, events: int) -> str:
    """Measure over a log of some `events`, and tell in a Markdown table."""
    with our_store(stage, "rebuilding") as ours:
        ours.append_sessions(CALLERS, events // EVENTS_PER_SESSION)
        cells = {
            "rebuild": lambda: _measured(stage, ours, rebuilding=True),
            "read": lambda: _measured(stage, ours, rebuilding=False),
        }
        runs = interleaved(cells, pace.rounds)
    comparison = Comparison("rebuild against reading alone", 0.5, runs["rebuild"], runs["read"])
    return table(f"Rebuilding all views from {events:,} events, in one process", [comparison])


def _measured(stage: Stage, ours: OurStore, *, rebuilding: bool) -> Sample:
    def work() -> Done:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            return loop.run((_rebuild if rebuilding else _read)(ours))

    return timed(work, [os.getpid(), stage.postmaster])


async def _rebuild(ours: OurStore) -> Done:
    async with connected(ours.url) as store:
        started = time.perf_counter()
        rebuilt = await rebuild(store, Keyring(ours.master_key), named(()), lambda *_: None)
        seconds = time.perf_counter() - started
        rows = await store.ask("SELECT count(*) FROM ai_session_info")
    events = rebuilt.events["ai_session_info"]
    if rows[0][0] != events // EVENTS_PER_SESSION:
        raise BenchmarkFailed(f"{rows[0][0]} rows came of {events} events")
    return Done(events, seconds)


async def _read(ours: OurStore) -> Done:
    keyring, count = Keyring(ours.master_key), 0
    async with connected(ours.url) as store:
        started = time.perf_counter()
        for head in await heads(store):
            async for page in read_feed(store, keyring, head.partition, until=head.position):
                count += len(page)
        return Done(count, time.perf_counter() - started)
