"""Events appended a second, with views, against the `eventsourcing` library's recorder."""

import asyncio
import os
from functools import partial

from .measure import Done, Pace, Runs, Sample, interleaved, timed
from .our_store import EVENTS_PER_SESSION, OurStore, our_store, stored_bytes
from .report import Comparison, table
from .stage import Stage
from .stock_store import StockStore, stock_store

CALLERS, THREADS = 64, 16


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    with our_store(stage, "our_store") as ours:
        ours.append_sessions(CALLERS, 1_000)
        sizes = asyncio.run(stored_bytes(ours.url))
        with stock_store(stage, sizes, THREADS) as stock:
            stock.append(THREADS, 0.5)
            many = _runs(stage, ours, stock, (CALLERS, THREADS), pace)
            single = _runs(stage, ours, stock, (1, 1), pace)
    comparisons = [
        Comparison(f"{CALLERS} callers, {THREADS} threads", 20, many["ours"], many["stock"]),
        Comparison("1 caller, 1 thread", 1, single["ours"], single["stock"]),
    ]
    each = f"{EVENTS_PER_SESSION} events a stream, {' · '.join(map(str, sizes))} bytes"
    return table(f"Store, with views, against the stock recorder: events ({each})", comparisons)


def _runs(
    stage: Stage, ours: OurStore, stock: StockStore, callers: tuple[int, int], pace: Pace
) -> Runs:
    def measured(store: OurStore | StockStore, number: int) -> Sample:
        def work() -> Done:
            return store.append(number, pace.seconds)

        return timed(work, [os.getpid(), stage.postmaster])

    cells = {
        "ours": partial(measured, ours, callers[0]),
        "stock": partial(measured, stock, callers[1]),
    }
    return interleaved(cells, pace.rounds)
