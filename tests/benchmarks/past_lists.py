"""Lists as of a past instant a second, against the present ones, over very many sessions."""

import os
import time
from asyncio import Runner
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from functools import partial

import uvloop
from msgspec import Struct

from app.database.pool import Pool
from app.database.sql import blocks
from app.faces.evo.list_query import AccountsQuery, AISessionsQuery, list_accounts, list_ai_sessions
from app.faces.evo.wire.requests import ITEMS_PER_PAGE
from app.faces.superoffice.lists.chat_list import list_chat_sessions, sessions_of
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
MOMENTS = {"long ago": 0.1, "half way": 0.5, "of late": 0.95}
"""The share of all changes that were made by then."""
_FILLED = {
    "chat_session_entity": "chat_sessions", "ai_session_info": "ai_sessions",
    "account_info": "accounts",
}  # fmt: skip
"""How each view's history is made."""
_LIST_S = 60.0
_FILL_S = 3600
SKIPPED = 100
"""One in so many sessions lies before a page far behind the first."""
AGENT = 7
_ASKER = Asker(date(2026, 11, 21))
Cut = tuple[int, ...] | None
List = Callable[[Views, Cut], Awaitable[int]]
"""Reads a page as of a cut; the number of its rows."""


def _chats(filter_: str, order: str, *, skip: int = 0) -> List:
    query = [("$orderby", order), ("$top", "50")] + [("$filter", filter_)] * bool(filter_)
    query.append(("$skip", str(skip)))

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


def _mine() -> List:
    async def read(views: Views, cut: Cut) -> int:
        return len(await sessions_of(views, AGENT, as_of=cut))

    return read


def _accounts(query: AccountsQuery) -> List:
    async def read(views: Views, cut: Cut) -> int:
        return len((await list_accounts(views, query, as_of=cut)).items)

    return read


_SORTED_CHATS = ("registeredDate desc", "updatedDate desc", "rating desc", "firstMessage")
_SORTED_AI = (
    "id", "accountId", "accountName", "purpose", "dateLastModified", "createdBy", "lastModifiedBy",
)  # fmt: skip


def _chat_lists(skip: int) -> dict[str, List]:
    return {
        "50 chats, by number": _chats("", "chatSessionId"),
        "50 chats, by number, the last ones first": _chats("", "chatSessionId desc"),
        "50 newest chats": _chats("", "whenRequested desc"),
        f"50 newest chats behind {skip:,}": _chats("", "whenRequested desc", skip=skip),
        "50 newest chats of a status": _chats("status eq 'Closed'", "whenRequested desc"),
        f"50 newest chats of a status behind {skip:,}": _chats(
            "status eq 'Closed'", "whenRequested desc", skip=skip
        ),
        "50 newest chats with a rating": _chats("rating between (4,5)", "whenRequested desc"),
        "the chats of a person": _chats("personId eq 7", "whenRequested desc"),
        "the chats with a rare text": _chats(
            "firstMessage contains 'number 1234?'", "whenRequested desc"
        ),
        "the queue, by time": _chats("status eq 'InQueue'", "whenRequested"),
        "the queue, the newest first": _chats("status eq 'InQueue'", "whenRequested desc"),
        "the chats of two states, by time": _chats("status oneOf (5,6)", "whenRequested"),
        "the open chats of an agent": _chats(
            f"status oneOf (5,6) and associateId eq {AGENT}", "chatSessionId"
        ),
        "the chats for the current user": _mine(),
        **{f"50 chats by {order}": _chats("", order) for order in _SORTED_CHATS},
    }


def _other_lists(page: int) -> dict[str, List]:
    return {
        "25 oldest AI sessions": _ai(AISessionsQuery(simplified=True)),
        "25 newest AI sessions": _ai(AISessionsQuery(descending=True, simplified=True)),
        "25 newest AI sessions, all counted": _ai(AISessionsQuery(descending=True)),
        "25 AI sessions of an account, its all counted": _ai(AISessionsQuery(account_ids=["a7"])),
        "25 newest AI sessions of two accounts": _ai(
            AISessionsQuery(account_ids=["a7", "a8"], descending=True, simplified=True)
        ),
        f"25 AI sessions, on page {page}": _ai(AISessionsQuery(page=page, simplified=True)),
        f"25 newest AI sessions, on page {page}": _ai(
            AISessionsQuery(page=page, descending=True, simplified=True)
        ),
        **{
            f"25 AI sessions by {field}": _ai(AISessionsQuery(sort_field=field, simplified=True))
            for field in _SORTED_AI
        },
        "25 accounts, all counted": _accounts(AccountsQuery()),
        "25 accounts with a name, counted": _accounts(AccountsQuery(name_filter="count 1")),
    }


def lists_of(rows: int) -> dict[str, List]:
    """Every kind of list that the faces have, for so many sessions."""
    skip = rows // SKIPPED
    page = skip // ITEMS_PER_PAGE
    return _chat_lists(skip) | _other_lists(page)


class Lists(Struct, frozen=True):
    """The read side over very many sessions, and the moments to list them as of."""

    views: Views
    loop: Runner
    moments: Mapping[str, Cut]


def run(stage: Stage, pace: Pace, rows: int) -> str:
    """Measure over views of some `rows`, and tell in a Markdown table."""
    name = "past_lists"
    url = stage.new_database(name)
    with Runner(loop_factory=uvloop.new_event_loop) as loop:
        where = DataLocation(database_url=url, data_dir=stage.folder / name)
        loop.run(prepare(url, where, SchemaPermission.BEGIN))
        loop.run(fill(url, rows))
        return compared(url, loop, stage.postmaster, pace, rows)


def compared(url: str, loop: Runner, postmaster: int, pace: Pace, rows: int) -> str:
    """Measure over a database that is filled."""
    key = bytes(32)
    pool = Pool(Settings(database_url=url, master_key=key, list_deadline_s=_LIST_S), for_lists=True)
    views = Views(pool, pool, batch=1, unseal=Keyring(key).open_in_view)
    events = loop.run(_events(url))
    moments = {when: (int(events * share),) for when, share in MOMENTS.items()}
    lists = Lists(views, loop, moments)
    try:
        comparisons = [
            comparison
            for what, read in lists_of(rows).items()
            for comparison in _compared(postmaster, pace, what, read, lists)
        ]
    finally:
        loop.run(pool.close())
    title = f"Lists out of {rows:,} sessions of {VERSIONS} versions, as of a past instant"
    return table(f"{title} against the present: past", comparisons)


def _compared(postmaster: int, pace: Pace, what: str, read: List, lists: Lists) -> list[Comparison]:
    cuts: dict[str, Cut] = {"": None, **lists.moments}
    cells = {
        when: partial(_measured, postmaster, pace, lists, read, cut) for when, cut in cuts.items()
    }
    runs = interleaved(cells, pace.rounds)
    return [Comparison(f"{what}, {when}", AT_LEAST, runs[when], runs[""]) for when in lists.moments]


def _measured(postmaster: int, pace: Pace, lists: Lists, read: List, cut: Cut) -> Sample:
    async def ask() -> Done:
        started, count = time.perf_counter(), 0
        while count == 0 or time.perf_counter() < started + pace.seconds:
            if await read(lists.views, cut) == 0:
                raise BenchmarkFailed("A list is empty")
            count += 1
        return Done(count, time.perf_counter() - started)

    return timed(lambda: lists.loop.run(ask()), [os.getpid(), postmaster])


async def fill(url: str, rows: int) -> None:
    """Make the sessions, their histories and the accounts."""
    async with connected(url) as store:
        await store.raw.execute(
            SQL["helpers"].format(rows=rows, versions=VERSIONS), timeout=_FILL_S
        )
        for view, name in _FILLED.items():
            indexes = await store.ask(SQL["indexes"], f"{view}_history")
            for index in indexes:
                await store.raw.execute(SQL["drop_index"].format(index=index["name"]))
            await store.raw.execute(SQL[name].format(rows=rows, versions=VERSIONS), timeout=_FILL_S)
            await store.raw.execute(SQL["present"].format(view=view), timeout=_FILL_S)
            for index in indexes:
                await store.raw.execute(index["definition"], timeout=_FILL_S)
        await store.raw.execute(SQL["reach"], timeout=_FILL_S)
        for view in _FILLED:
            await store.raw.execute(SQL["settle"].format(view=view), timeout=_FILL_S)


async def _events(url: str) -> int:
    async with connected(url) as store:
        return int((await store.ask(SQL["events"]))[0]["events"])
