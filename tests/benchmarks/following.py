"""Events that a follower takes up a second in one worker, against only reading them."""

import os
import time

from app.followers import history
from app.followers.reset import reset
from app.log.audited import read_on
from app.log.read import heads
from app.maintenance.store import connected

from .measure import BenchmarkFailed, Done, Pace, Sample, interleaved, timed
from .our_store import OurStore, our_store
from .rebuilding import CALLERS
from .report import Comparison, table
from .stage import Stage

PAGE_EVENTS = 500
AT_LEAST_PER_S = 8_000
"""On two cores that nobody else uses."""


def run(stage: Stage, pace: Pace, events: int) -> str:
    """Measure over a log of some `events`, and tell in a Markdown table."""
    with our_store(stage, "following") as ours:
        ours.append_sessions(CALLERS, events // 4)
        cells = {
            "follow": lambda: _measured(stage, ours, following=True),
            "read": lambda: _measured(stage, ours, following=False),
        }
        runs = interleaved(cells, pace.rounds)
    comparison = Comparison("following against reading alone", 0.2, runs["follow"], runs["read"])
    title = f"Histories and the index of events made from {events:,} events, in one worker"
    return table(f"{title} (wanted: {AT_LEAST_PER_S:,} a second)", [comparison])


def _measured(stage: Stage, ours: OurStore, *, following: bool) -> Sample:
    def work() -> Done:
        return ours.loop.run(_follow(ours) if following else _read(ours))

    if following:
        ours.loop.run(_reset(ours))
    return timed(work, [os.getpid(), stage.postmaster])


async def _reset(ours: OurStore) -> None:
    async with connected(ours.url) as store:
        await reset(store, history.NAME)


async def _follow(ours: OurStore) -> Done:
    log = ours.service.log
    follower, done = history.follower(log, ours.service.settings.follower_share), 0
    started = time.perf_counter()
    while more := await follower.round():
        done += more
    seconds = time.perf_counter() - started
    await follower.stop()
    if done != sum(head.position for head in await heads(log.pool)):
        raise BenchmarkFailed(f"Only {done} events were taken up")
    return Done(done, seconds)


async def _read(ours: OurStore) -> Done:
    log, count = ours.service.log, 0
    started = time.perf_counter()
    for head in await heads(log.pool):
        after = 0
        while after < head.position:
            slices = await read_on(
                log.pool, log.keyring, head.partition,
                after=after, until=head.position, most=PAGE_EVENTS, most_bytes=2**62,
            )  # fmt: skip
            events = [event for each in slices for event in each]
            count, after = count + len(events), events[-1].position
    return Done(count, time.perf_counter() - started)
