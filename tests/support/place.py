"""A database with a log by both logins, for those who try to get beyond the service's."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from msgspec import Struct

from app.maintenance import users
from app.maintenance.store import Connection
from app.service import open_service
from app.settings import Settings
from support import given
from support.patience import patient
from support.untouched import picture

CHANGE = "UPDATE stored_events SET actor = 'mallory'"


class Place(Struct, frozen=True):
    """A database with a log, a caller and a token, by both logins."""

    owner: asyncpg.Connection
    service_url: str
    before: dict[str, str]
    session: UUID
    """The stream of a session that is there."""

    @asynccontextmanager
    async def mallory(self) -> AsyncIterator[asyncpg.Connection]:
        """Somebody with the service's login; nothing of him is left afterwards."""
        connection = await asyncpg.connect(self.service_url)
        backend = connection.get_server_pid()
        try:
            yield connection
        finally:
            connection.terminate()
            await self._gone(backend)

    async def _gone(self, backend: int) -> None:
        """Return when a backend has ended, which drops its temporary tables and views."""
        deadline = time.monotonic() + patient(10.0)
        works = "SELECT FROM pg_stat_activity WHERE pid = $1"
        while await self.owner.fetch(works, backend):
            assert time.monotonic() < deadline, backend
            await asyncio.sleep(0.001)

    async def named(self) -> dict[str, str]:
        """What the statements name."""
        ((name, of, backend),) = await self.owner.fetch(
            "SELECT current_user::text, current_database()::text, pg_backend_pid()"
        )
        return {"owner": name, "database": f'"{of}"', "backend": backend, "change": CHANGE}

    async def assert_untouched(self) -> None:
        """All is as it was."""
        after = await picture(self.owner)
        assert {name for name in after if after[name] != self.before.get(name)} == set()


@asynccontextmanager
async def place(url: str, as_service: str, key: bytes) -> AsyncIterator[Place]:
    """A database where something was done."""
    owner = await asyncpg.connect(url)
    await users.add(Connection(owner), "kim", ["SystemAdministrator"], "right as rain")
    await users.give_token(Connection(owner), "kim")
    service = await open_service(Settings(database_url=as_service, master_key=key))
    await given.open_account(service)
    session = given.session_of(await given.open_ai_session(service, key="k1"))
    await given.open_chat_session(service)
    await service.close()
    try:
        yield Place(owner, as_service, dict(await picture(owner)), UUID(session))
    finally:
        await owner.close()
