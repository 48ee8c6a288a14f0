"""Of a deep session, a page of its history and its state then cost what they show."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from support import given
from support.deep import deepen_ai

from app.history import sessions
from app.history.one_event import Parts
from app.history.reader import Reader
from app.log.log import Log
from app.service import Service
from domain.ids import StreamId


class Counting:
    """A store that counts the rows it gives."""

    def __init__(self, log: Log) -> None:
        self._pool = log.pool
        self.rows = 0

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        found = await self._pool.ask(sql, *arguments)
        self.rows += len(found)
        return found


async def read_first(service: Service, stream: StreamId, events: int) -> int:
    """The rows that a page of the first events takes."""
    store = Counting(service.log)
    reader = Reader(store, service.log.keyring, 1)
    shown = sessions.history(reader, stream, parts=Parts(changed=True))
    for version in range(1, events + 1):
        assert (await anext(shown)).version == version
    return store.rows


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
