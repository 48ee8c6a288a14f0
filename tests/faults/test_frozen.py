"""The database's processes stand still: no more backends than places, and nothing is lost."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import pytest
from acceptance.service_process import ADMIN, ServiceProcess, no_difference
from acceptance.service_process import service as running_service
from patience import patient

from app.settings import Settings
from faults.load import Load, load

FROZEN_S = float(os.environ.get("SESSIONARY_FAULT_FROZEN_S", "3"))
CALLERS = 8
WORKERS = 2
_SETTINGS = Settings(database_url="", master_key=b"")
PLACES = WORKERS * (_SETTINGS.pool_size + _SETTINGS.list_pool_size + 2)
"""With those that look after statements which were given up: one for lists, one for all others."""
BACKENDS = """
SELECT pid
  FROM pg_stat_activity
 WHERE application_name = 'sessionary'
"""


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    """A service of several workers, whose chats nobody sweeps away."""
    with running_service(f"--workers={WORKERS}", "--customer-timeout=0") as started:
        yield started


@pytest.fixture
async def owner(service: ServiceProcess) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner's, whose backend is never frozen for itself."""
    connection = await asyncpg.connect(service.database_url)
    yield connection
    await connection.close()


class Backends:
    """The service's, as they come; the most there ever were at once."""

    def __init__(self, owner: asyncpg.Connection) -> None:
        self._owner = owner
        self.most = 0

    async def look(self) -> Sequence[int]:
        """Their process numbers."""
        pids = [row["pid"] for row in await self._owner.fetch(BACKENDS)]
        self.most = max(self.most, len(pids))
        return pids


def tell(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, what)


@asynccontextmanager
async def at_work(service: ServiceProcess, book: Path) -> AsyncIterator[Load]:
    """Callers who write, and as many who read; at the end nothing is lost, and all is well."""
    async with load(service.base_url, book, CALLERS, "frozen") as work:
        await work.acknowledge_more(CALLERS)
        async with readers(service):
            yield work
        await work.acknowledge_more(2 * CALLERS)
    assert work.broken == []


@asynccontextmanager
async def readers(service: ServiceProcess) -> AsyncIterator[None]:
    async def read(client: httpx.AsyncClient, path: str) -> None:
        while True:
            answer = await client.get(path)
            assert answer.status_code in (200, 503), answer.text
            await asyncio.sleep(0.01)

    async with httpx.AsyncClient(
        base_url=service.base_url, auth=ADMIN, timeout=patient(60.0)
    ) as client:
        made = await client.post("/ai/sessions", json={"purpose": "frozen read"})
        path = f"/ai/sessions/{made.json()['id']}"
        reading = [
            asyncio.create_task(read(client, each))
            for each in [path] * (2 * CALLERS) + ["/api/v1/ChatSession", "/accounts"]
        ]
        try:
            yield
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)


async def test_the_whole_server(
    service: ServiceProcess, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    backends = Backends(owner)
    async with at_work(service, tmp_path / "book"):
        stopped = [process.pid for process in service.servers()]
        for pid in stopped:
            tell(pid, signal.SIGSTOP)
        await asyncio.sleep(FROZEN_S)
        for pid in stopped:
            tell(pid, signal.SIGCONT)
        ends = time.monotonic() + FROZEN_S / 2
        while time.monotonic() < ends:
            await backends.look()
    assert backends.most <= PLACES
    assert await asyncio.to_thread(no_difference, service) == []


async def test_each_backend_that_it_has(
    service: ServiceProcess, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    """As on a disk that does not answer: who connects again hangs again."""
    backends = Backends(owner)
    frozen: set[int] = set()
    async with at_work(service, tmp_path / "book"):
        ends = time.monotonic() + FROZEN_S
        try:
            while time.monotonic() < ends:
                for pid in await backends.look():
                    tell(pid, signal.SIGSTOP)
                    frozen.add(pid)
        finally:
            for pid in frozen:
                tell(pid, signal.SIGCONT)
    assert backends.most <= PLACES
    assert await asyncio.to_thread(no_difference, service) == []
