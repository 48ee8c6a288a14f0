"""Pairs of a write and a read, many at a time: none is older than the write before it.

One worker writes, another one reads. TEST_STANDBY_PAIRS says how many pairs; during the second
half of them, the standby stands still again and again.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count, cycle

import pytest
from support import given
from support.reads import Counted
from support.streaming import Streaming, streaming, with_log

from app.commands.context import CommandResult
from app.faces.evo.list_query import AISessionsQuery, list_ai_sessions
from app.log.standby_reading import reading
from app.service import Service, open_service

PAIRS = int(os.environ.get("TEST_STANDBY_PAIRS", "100"))
CLIENTS = 48
PARTITIONS = 4
STILL_S = 0.2
"""For so long the standby takes nothing over, and then so long all that comes."""
KINDS = ("list", "list that shows its position", "events that show its position")


@pytest.fixture(scope="module")
def servers() -> Iterator[Streaming]:
    with with_log(PARTITIONS) as primary, streaming(primary) as both:
        yield both


@pytest.fixture
async def workers(servers: Streaming) -> AsyncIterator[tuple[Service, Service]]:
    """One that writes and one that reads."""
    writer, reader = [await open_service(servers.settings) for _ in range(2)]
    yield writer, reader
    await writer.close()
    await reader.close()


class Pairs:
    """Clients with a session each, which they change and then read."""

    def __init__(self, writer: Service, reader: Service, pairs: int) -> None:
        self._writer = writer
        self._reader = reader
        self._pairs = pairs
        self._left = count(pairs - 1, -1)
        self.read: Counter[str] = Counter()
        self.older: list[str] = []

    async def work(self, name: str) -> None:
        """Carry all of them out."""
        async with asyncio.TaskGroup() as group:
            for number in range(min(CLIENTS, self._pairs // len(KINDS))):
                group.create_task(self._client(f"{name}{number}"))

    async def _client(self, account: str) -> None:
        await given.open_account(self._writer, account, account)
        opened = await given.open_ai_session(self._writer, account=account, purpose="none")
        session = given.session_of(opened)
        for number, kind in enumerate(cycle(KINDS)):
            if next(self._left) < 0:
                return
            purpose = f"{account} {number}"
            written = await given.patch_ai_session(self._writer, session, purpose)
            if not await self._shows(kind, account, written):
                self.older.append(f"{kind}: {purpose} at {written.folded.position}")
            self.read[kind] += 1

    async def _shows(self, kind: str, account: str, written: CommandResult) -> bool:
        """Whether a read shows a write."""
        folded, standby = written.folded, self._reader.standby
        assert standby is not None
        seen = {} if kind == "list" else {folded.partition: folded.position}
        async with reading(standby, seen) as reads:
            service = self._reader.reading(reads.instead_of)
            if kind.startswith("events"):
                after = folded.version - 1
                found = await service.reader.versions(folded.stream, after=after, most=1)
                return [each.position for each in found] == [folded.position]
            page = await list_ai_sessions(service.views, AISessionsQuery(account_ids=[account]))
            return [row.folded.state for row in page.items] == [folded.state]


@asynccontextmanager
async def standing_still(servers: Streaming) -> AsyncIterator[None]:
    """Again and again, for as long as the block lasts."""

    async def stand_still() -> None:
        while True:
            async with servers.paused():
                await asyncio.sleep(STILL_S)
            await asyncio.sleep(STILL_S)

    standing = asyncio.create_task(stand_still())
    try:
        yield
    finally:
        standing.cancel()
        await asyncio.gather(standing, return_exceptions=True)


@pytest.mark.parametrize("still", [False, True], ids=["that goes on", "that stands still"])
async def test_no_read_from_a_standby_is_older_than_the_write_before(
    servers: Streaming, workers: tuple[Service, Service], still: bool
) -> None:
    writer, reader = workers
    assert reader.standby is not None
    await reader.standby.look()
    pairs, counted = Pairs(writer, reader, PAIRS // 2), Counted()
    if still:
        async with standing_still(servers):
            await pairs.work("still")
    else:
        await pairs.work("going")
    assert pairs.older == []
    assert pairs.read.total() == PAIRS // 2
    assert set(pairs.read) == set(KINDS)
    assert counted.results["answered"] > PAIRS // 4
