"""Of a deep session, a page of its history and its state then cost what they show."""

import sys
import time
from collections.abc import Sequence
from contextvars import ContextVar
from uuid import UUID

import asyncpg
import httpx
import pytest
from support import given
from support.audit import auditing
from support.database import ONE_PARTITION
from support.deep import deepen_ai
from support.deep_reads import DEEP
from support.patience import patient

from app.database.pool import Pool
from app.history import sessions
from app.history.followed import wait_for
from app.history.moments import present_cut
from app.history.one_event import Parts
from app.history.reader import BLOCK_EVENTS, Reader, in_blocks
from app.log.audited import read_between
from app.log.log import Log
from app.service import Service
from app.settings import Settings
from domain.ids import StreamId

SHOWN = 10
"""Events of a page, and of the short session."""
PAGES = {
    "history": "/audit/sessions/{id}/history?limit={shown}",
    "history from the middle": "/audit/sessions/{id}/history?limit={shown}&after={middle}",
    "events": "/audit/events?session={id}&limit={shown}",
    "events of an actor": "/audit/events?session={id}&actor=eve&limit={shown}",
    "state": "/audit/sessions/{id}",
    "state then": "/audit/sessions/{id}?asOf={middle}",
    "state as answered then": "/audit/sessions/{id}?asOf={middle}&as=evo&"
    "personal=true&reason=Complaint",
    "difference": "/audit/sessions/{id}/diff?from={middle}&to={last}",
}
ROUNDS = 5
MAX_RATIO = 3
MORE_ROWS = 300
"""That a page may read of a deep session: a page of positions, and a block or two of events."""
_ROWS: ContextVar[list[int] | None] = ContextVar("rows", default=None)


class Counting:
    """A store that counts the rows it gives."""

    def __init__(self, log: Log) -> None:
        self._pool = log.pool
        self.rows = 0
        self.statements = 0

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        found = await self._pool.ask(sql, *arguments)
        self.rows += len(found)
        self.statements += 1
        return found


async def read_first(service: Service, stream: StreamId, events: int) -> int:
    """The rows that a page of the first events takes."""
    store = Counting(service.log)
    reader = Reader(store, service.log.keyring, 1)
    shown = sessions.history(reader, stream, parts=Parts(changed=True))
    for version in range(1, events + 1):
        assert (await anext(shown)).version == version
    return store.rows


@ONE_PARTITION
async def test_the_first_page_of_a_deep_session_reads_what_one_of_a_short_session_does(
    service: Service, owner: asyncpg.Connection
) -> None:
    short, deep = [(await given.open_ai_session(service)).folded.stream for _ in range(2)]
    await deepen_ai(owner, short, 49)
    await deepen_ai(owner, deep, 3_000)
    assert await read_first(service, deep, 50) == await read_first(service, short, 50)


async def test_the_version_at_a_position_is_found_by_halving(
    service: Service, owner: asyncpg.Connection
) -> None:
    stream = (await given.open_ai_session(service)).folded.stream
    await given.open_ai_session(service)
    last = await deepen_ai(owner, stream, 500)
    rows = await owner.fetch(
        "SELECT originator_version, notification_id FROM stored_events WHERE originator_id = $1",
        stream,
    )
    for version, position in rows[:: len(rows) // 40]:
        assert await service.reader.version_at(stream, position) == version
    assert await service.reader.version_at(stream, 0) == 0
    assert await service.reader.version_at(stream, 10**9) == last
    assert await service.reader.version_at(StreamId(UUID(given.new_id())), 5) is None


@ONE_PARTITION
async def test_a_block_of_events_of_many_sessions_takes_three_statements(
    service: Service, owner: asyncpg.Connection
) -> None:
    for _ in range(BLOCK_EVENTS):
        await deepen_ai(owner, (await given.open_ai_session(service)).folded.stream, 3)
    keyring, (end,) = service.log.keyring, await present_cut(service.pool)
    events = await read_between(service.pool, keyring, 0, after=0, until=end, most=1_000)
    last = [event for event in events if event.version == 4]
    store = Counting(service.log)
    shown = Reader(store, keyring, 1).shown(in_blocks(last), Parts(changed=True))
    found = [event.changed async for event in shown]
    assert len(found) == BLOCK_EVENTS
    assert all(changed and changed["purpose"] for changed in found)
    assert store.statements <= 3


async def test_pages_of_a_deep_session_cost_what_those_of_a_short_one_do(
    settings: Settings, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_rows(monkeypatch)
    async with auditing(settings, owner) as (client, service):
        last = {"short": SHOWN, "deep": DEEP}
        ids = {}
        for name, events in last.items():
            ids[name] = stream = (await given.open_ai_session(service)).folded.stream
            await deepen_ai(owner, stream, events - 1)
        await wait_for(service.pool, await present_cut(service.pool), patient(60))
        for page, template in PAGES.items():
            for form in ("json", "html"):
                costs: dict[str, list[tuple[float, int]]] = {name: [] for name in last}
                for _ in range(ROUNDS):
                    for name, events in last.items():
                        url = template.format(
                            id=ids[name], shown=SHOWN, middle=events // 2, last=events
                        )
                        asked = url if "&as=" in url else f"{url}{_joint(url)}format={form}"
                        costs[name].append(await cost_of(client, asked))
                (short_s, short), (deep_s, deep) = map(min, costs.values())
                sys.stdout.write(
                    f"{page}, {form}: {deep_s * 1000:.1f} ms of the processor, {deep} rows; of"
                    f" {SHOWN} events {short_s * 1000:.1f} ms, {short} rows\n"
                )
                assert deep <= short + MORE_ROWS, (page, form)
                assert deep_s <= MAX_RATIO * short_s, (page, form)


def count_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `_ROWS` collect what statements give to whoever set it."""
    ask = Pool.ask

    async def counted(
        pool: Pool, sql: str, *arguments: object, writes: bool = False
    ) -> Sequence[asyncpg.Record]:
        rows = await ask(pool, sql, *arguments, writes=writes)
        if (seen := _ROWS.get()) is not None:
            seen.append(len(rows))
        return rows

    monkeypatch.setattr(Pool, "ask", counted)


async def cost_of(client: httpx.AsyncClient, url: str) -> tuple[float, int]:
    """The processor seconds that an answer takes here, and the rows."""
    rows: list[int] = []
    token, began = _ROWS.set(rows), time.thread_time()
    try:
        answer = await client.get(url)
    finally:
        _ROWS.reset(token)
    assert answer.status_code == 200, (url, answer.text)
    return time.thread_time() - began, sum(rows)


def _joint(url: str) -> str:
    return "&" if "?" in url else "?"
