"""Lists as of a past instant a second, against the present ones, over very many sessions."""

import os
import time
from asyncio import Runner
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial

import uvloop
from msgspec import Struct

from app.database.pool import Pool
from app.database.sql import blocks
from app.faces.evo.list_query import AISessionsQuery, list_ai_sessions
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
VERSIONS = 4
"""Of each session."""
AT_LEAST = 0.33
"""Of the present list's rate: at most three times as slow."""
_VIEWS = ("chat_session_entity", "ai_session_info", "account_info")
_FILL_S = 3600
_ASKER = Asker(date(2026, 11, 21))
Cut = tuple[int, ...] | None
List = Callable[[Views, Cut], Awaitable[int]]
"""Reads a page as of a cut; the number of its rows."""


def _chats(filter_: str, order: str) -> List:
    query = [("$orderby", order), ("$top", "50")] + [("$filter", filter_)] * bool(filter_)

    async def read(views: Views, cut: Cut) -> int:
        page = await list_chat_sessions(views, query, base_url="", asker=_ASKER, as_of=cut)
        found = page["value"]
        assert isinstance(found, list)
        return len(found)

    return read


def _ai(query: AISessionsQuery) -> List:
    async def read(views: Views, cut: Cut) -> int:
        return len((await list_ai_sessions(views, query, as_of=cut)).items)

    return read


LISTS: dict[str, List] = {
    "50 chats, by number": _chats("", "chatSessionId"),
    "50 newest chats of a status": _chats("status eq 'Closed'", "whenRequested desc"),
    "50 newest chats with a rating": _chats("rating between (4,5)", "whenRequested desc"),
    "the chats of a person": _chats("personId eq 7", "whenRequested desc"),
    "25 newest AI sessions": _ai(AISessionsQuery(descending=True, simplified=True)),
    "25 newest AI sessions, all counted": _ai(AISessionsQuery(descending=True)),
    "25 AI sessions of an account, its all counted": _ai(AISessionsQuery(account_ids=["a7"])),
    "25 AI sessions, on page 400": _ai(AISessionsQuery(page=400, simplified=True)),
}


class _Lists(Struct, frozen=True):
    views: Views
    loop: Runner


def run(stage: Stage, pace: Pace, rows: int) -> str:
    """Measure over views of some `rows`, and tell in a Markdown table."""
    name = "past_lists"
    url = stage.new_database(name)
    with Runner(loop_factory=uvloop.new_event_loop) as loop:
        where = DataLocation(database_url=url, data_dir=stage.folder / name)
        _, key = loop.run(prepare(url, where, SchemaPermission.BEGIN))
        loop.run(_fill(url, rows))
        pool = Pool(Settings(database_url=url, master_key=key))
        views = Views(pool, pool, batch=1, unseal=Keyring(key).open_in_view)
        lists = _Lists(views, loop)
        moments = {
            "half way": (rows * VERSIONS // 2 + rows // 2,),
            "the end": (rows * (VERSIONS + 1),),
        }
        try:
            comparisons = [
                _compared(stage, pace, f"{what}, at {when}", read, lists, cut)
                for what, read in LISTS.items()
                for when, cut in moments.items()
            ]
        finally:
            loop.run(pool.close())
    title = f"Lists out of {rows:,} sessions of {VERSIONS} versions, as of a past instant"
    return table(f"{title} against the present: past", comparisons)


def _compared(
    stage: Stage, pace: Pace, what: str, read: List, lists: _Lists, cut: Cut
) -> Comparison:
    cells = {
        name: partial(_measured, stage, pace, lists, read, moment)
        for name, moment in (("then", cut), ("now", None))
    }
    runs = interleaved(cells, pace.rounds)
    return Comparison(what, AT_LEAST, runs["then"], runs["now"])


def _measured(stage: Stage, pace: Pace, lists: _Lists, read: List, cut: Cut) -> Sample:
    async def ask() -> Done:
        started, count = time.perf_counter(), 0
        while time.perf_counter() < started + pace.seconds:
            if await read(lists.views, cut) == 0:
                raise BenchmarkFailed("A list is empty")
            count += 1
        return Done(count, time.perf_counter() - started)

    return timed(lambda: lists.loop.run(ask()), [os.getpid(), stage.postmaster])


async def _fill(url: str, rows: int) -> None:
    async with connected(url) as store:
        await store.raw.execute(SQL["helpers"])
        for name in ("chat_sessions", "ai_sessions"):
            await store.raw.execute(SQL[name], rows, VERSIONS, timeout=_FILL_S)
        await store.raw.execute(SQL["accounts"])
        for view in _VIEWS:
            await store.raw.execute(SQL["present"].format(view=view), timeout=_FILL_S)
            await store.raw.execute(SQL["settle"].format(view=view), timeout=_FILL_S)
