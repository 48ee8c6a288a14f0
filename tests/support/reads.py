"""A worker that reads from a standby, and what became of its reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
from msgspec import Struct

from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service
from app.settings import Settings
from app.telemetry import metrics
from support.in_process import running

SESSIONS = "/ai/sessions"


class Worker(Struct, frozen=True):
    """A whole application in the tests' own process, called by kim."""

    client: httpx.AsyncClient
    service: Service

    @property
    def standby(self) -> Any:
        """Its standby."""
        return self.service.standby

    async def opened(self, purpose: str) -> str:
        """The id of a new AI session."""
        made = await self.client.post(SESSIONS, json={"purpose": purpose})
        assert made.status_code == 200, made.text
        return str(made.json()["id"])

    async def purposes(self, position: str | None = None, query: str = "") -> set[str | None]:
        """Those of all AI sessions, in a list that shows a position at least."""
        headers = {} if position is None else {"X-Log-Position": position}
        listed = await self.client.get(f"{SESSIONS}?take=1000{query}", headers=headers)
        assert listed.status_code == 200, listed.text
        return {each.get("purpose") for each in listed.json()["items"]}

    async def position(self) -> str:
        """The end of the log."""
        (row,) = await self.service.pool.ask("SELECT position FROM log_partition")
        return f"0:{row['position']}"


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Worker]:
    """A worker that has looked at its standby."""
    owner = await asyncpg.connect(settings.database_url)
    token = await users.give_token(Connection(owner), "kim")
    await owner.close()
    async with running(settings) as (client, service):
        client.headers["Authorization"] = f"Bearer {token}"
        made = Worker(client, service)
        await made.standby.look()
        yield made


@asynccontextmanager
async def held(settings: Settings) -> AsyncIterator[Worker]:
    """The same for a fixture: its end comes in another task, and an application ends in its own."""
    made: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
    is_over = asyncio.Event()

    async def hold() -> None:
        async with worker(settings) as one:
            made.set_result(one)
            await is_over.wait()

    holding = asyncio.create_task(hold())
    either: set[asyncio.Future[Any]] = {holding, made}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not made.done():
        holding.result()  # raises why
    try:
        yield made.result()
    finally:
        is_over.set()
        await holding


class Counted:
    """What became of reads since then, by result."""

    def __init__(self) -> None:
        """From now on."""
        self._before = _counts()

    @property
    def results(self) -> dict[str, float]:
        """Those that there were."""
        found = {name: now - self._before.get(name, 0.0) for name, now in _counts().items()}
        return {name: count for name, count in found.items() if count}


def _counts() -> dict[str, float]:
    (family,) = metrics.STANDBY_READS.collect()
    return {each.labels["result"]: each.value for each in family.samples}
