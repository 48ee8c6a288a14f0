"""Requests to a service whose log has many events, against those to one whose log has few.

Both answer GETs of equally many sessions: what a worker keeps of each is the same then.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

import asyncpg

from app.database.sql import blocks
from app.history.followed import FOLLOWERS

from .load import CONNECTIONS, load
from .measure import Pace, interleaved
from .over_http import WARM_UP_S, Contender, measured, prepared
from .report import Comparison, table
from .services import sessionary
from .stage import Stage

SQL = blocks(__file__)
READ_SESSIONS = 10_000
"""Each as old as any of its log."""
SMALL_EVENTS = 80_000
"""Of the small log: its sessions are twice those that are read."""
_AT_LEAST = 0.85


def run(stage: Stage, pace: Pace, events: int) -> str:
    """Measure, by turns, and tell in a Markdown table. `events`: of the large log."""
    with ExitStack() as running:
        contenders = {
            name: prepared(running.enter_context(sessionary(stage, name)), stage.folder)
            for name in ("large", "small")
        }
        filled = {
            name: Contender(contender.service, stage.folder / f"any-of-{name}")
            for name, contender in contenders.items()
        }
        for name, many in (("large", events), ("small", SMALL_EVENTS)):
            asyncio.run(_fill(filled[name], many))
        comparisons = [
            _compared(stage, "POST", contenders, pace),
            _compared(stage, "PATCH", contenders, pace),
            _compared(stage, "GET", filled, pace),
        ]
    title = (
        f"A log of {events:,} events, against one of {SMALL_EVENTS:,}, {CONNECTIONS} connections"
    )
    return table(title, comparisons)


def _compared(
    stage: Stage, method: str, contenders: dict[str, Contender], pace: Pace
) -> Comparison:
    for contender in contenders.values():
        load(contender.service.base_url, method, contender.ids_file, WARM_UP_S)
    cells = {
        name: partial(measured, contender, method, pace.seconds, stage.postmaster)
        for name, contender in contenders.items()
    }
    runs = interleaved(cells, pace.rounds)
    return Comparison(method, _AT_LEAST, runs["large"], runs["small"])


async def _fill(contender: Contender, events: int) -> None:
    """Give a service's log many events, and take some of their sessions to read."""
    connection = await asyncpg.connect(contender.service.database_url)
    try:
        await connection.execute(SQL["leased"], FOLLOWERS)
        async with connection.transaction():
            before = await connection.fetchval(SQL["position"])
            await connection.execute(SQL["events"], before, events)
            await connection.execute(SQL["rows"], before, events)
            await connection.execute(SQL["head"], events)
        await connection.execute(SQL["settle"])
        await connection.execute("CHECKPOINT")
        found: Sequence[asyncpg.Record] = await connection.fetch(SQL["streams"], READ_SESSIONS)
        contender.ids_file.write_text("".join(f"{row['stream_id']}\n" for row in found))
    finally:
        await connection.close()
