"""Lists of chat sessions a second: 50 out of very many, against 50 out of a hundredth of them."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import partial

import uvloop
from msgspec import Struct

from app.database.pool import Pool
from app.database.sql import blocks
from app.faces.superoffice.lists.chat_list import list_chat_sessions
from app.faces.superoffice.lists.filter import Asker
from app.log.keyring import Keyring
from app.maintenance.store import DataLocation, SchemaPermission, connected, prepare
from app.queries.views import Views
from app.settings import Settings

from .measure import BenchmarkFailed, Done, Pace, Sample, interleaved, timed
from .report import Comparison, table
from .stage import Stage

SQL = blocks(__file__)
ROWS_PER_LIST = 50
FEWER = 100
"""How many times as few rows the peer has."""
AT_LEAST = 0.34
"""Of the peer's rate: at most three times as slow, and a little less."""

_ASKER = Asker(date(2026, 11, 21))
_LISTS = {
    "newest of a status": "status eq 'Closed'",
    "newest of a status and a rating": "status oneOf (7,9) and rating ge 4",
    "newest with a rating": "rating between (4,5)",
    "newest of a month": "whenRequested ge '2020-01-01' and whenRequested lt '2020-02-01'",
}


class _Lists(Struct, frozen=True):
    """The read side over a view of so many sessions."""

    rows: int
    views: Views
    loop: asyncio.Runner


def run(stage: Stage, pace: Pace, rows: int) -> str:
    """Measure over a view of some `rows`, and tell in a Markdown table."""
    with ExitStack() as opened:
        many = opened.enter_context(_lists(stage, rows))
        few = opened.enter_context(_lists(stage, max(rows // FEWER, 2 * ROWS_PER_LIST)))
        comparisons = [
            _compared(stage, pace, what, text, many, few) for what, text in _LISTS.items()
        ]
    sizes = f"{many.rows:,} against {few.rows:,}"
    title = f"Lists of {ROWS_PER_LIST} chat sessions out of {sizes}: lists"
    return table(title, comparisons)


def _compared(
    stage: Stage, pace: Pace, what: str, text: str, many: _Lists, few: _Lists
) -> Comparison:
    cells = {
        name: partial(_measured, stage, pace, lists, text)
        for name, lists in (("many", many), ("few", few))
    }
    runs = interleaved(cells, pace.rounds)
    return Comparison(what, AT_LEAST, runs["many"], runs["few"])


def _measured(stage: Stage, pace: Pace, lists: _Lists, text: str) -> Sample:
    def work() -> Done:
        return lists.loop.run(_ask(lists.views, text, pace.seconds))

    return timed(work, [os.getpid(), stage.postmaster])


async def _ask(views: Views, text: str, seconds: float) -> Done:
    query = [
        ("$filter", text),
        ("$orderby", "whenRequested desc"),
        ("$top", str(ROWS_PER_LIST)),
    ]
    started, count = time.perf_counter(), 0
    while time.perf_counter() < started + seconds:
        answer = await list_chat_sessions(views, query, base_url="", asker=_ASKER)
        count += 1
    found = answer["value"]
    if not isinstance(found, list) or len(found) != ROWS_PER_LIST:
        raise BenchmarkFailed(f"{text}: the list is not one of {ROWS_PER_LIST}")
    return Done(count, time.perf_counter() - started)


@contextmanager
def _lists(stage: Stage, rows: int) -> Iterator[_Lists]:
    """The read side on a new database with so many sessions."""
    name = f"listing_{rows}"
    url = stage.new_database(name)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        where = DataLocation(database_url=url, data_dir=stage.folder / name)
        _, key = loop.run(prepare(url, where, SchemaPermission.BEGIN))
        loop.run(_fill(url, rows))
        pool = Pool(Settings(database_url=url, master_key=key))
        try:
            yield _Lists(rows, Views(pool, pool, batch=1, unseal=Keyring(key).open_in_view), loop)
        finally:
            loop.run(pool.close())


async def _fill(url: str, rows: int) -> None:
    async with connected(url) as store:
        await store.raw.execute(SQL["fill"], rows, timeout=900)
        await store.raw.execute(SQL["settle"], timeout=900)
