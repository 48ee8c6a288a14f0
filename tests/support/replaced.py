"""A database that another takes the place of under running services: a restore, a failover."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from app.commands.context import CommandResult
from app.faces.evo.operations import _new_ai_session
from app.faces.evo.wire import requests as r
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import connected
from app.service import Service
from support import database, given
from support.beside import silent

KEYRING = Keyring(database.MASTER_KEY)


class Replaceable:
    """A database, and the copy of it that is taken out again later."""

    def __init__(self, server: asyncpg.Connection, server_url: str, name: str) -> None:
        """Use `replaceable`."""
        self._server = server
        self._parts = urlsplit(server_url)
        self.name = name
        self.copy_name = f"{name}_copy"
        self.url = self.url_of(name)
        self.copy_url = self.url_of(self.copy_name)

    def url_of(self, name: str) -> str:
        """Where a database of the server is."""
        return urlunsplit(self._parts._replace(path=f"/{name}"))

    async def dump(self) -> None:
        """Keep the database as it is now; who is connected has to connect anew."""
        await self._server.execute(f'DROP DATABASE IF EXISTS "{self.copy_name}"')
        await self._copy(self.name, self.copy_name)

    async def restore(self) -> None:
        """Put back what was kept, under the same name."""
        await self._server.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        await self._copy(self.copy_name, self.name)

    async def empty(self) -> None:
        """Put an empty database in its place."""
        await self._server.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        await self._server.execute(f'CREATE DATABASE "{self.name}"')

    async def fail_over(self) -> None:
        """Let what was kept take the database's place, as a standby that lacks the last commits."""
        lost = f"{self.name}_lost"
        for before, after in ((self.name, lost), (self.copy_name, self.name)):
            await self._alone(before, f'ALTER DATABASE "{before}" RENAME TO "{after}"', after)
        await self._server.execute(f'DROP DATABASE "{lost}" WITH (FORCE)')

    async def drop(self) -> None:
        """Leave nothing."""
        for name in (self.name, self.copy_name):
            await self._server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _copy(self, name: str, to: str) -> None:
        await self._alone(name, f'CREATE DATABASE "{to}" TEMPLATE "{name}"')

    async def _alone(self, name: str, statement: str, named: str | None = None) -> None:
        """Run a statement on a database while nobody is connected; `named`: its name afterwards."""
        # (Services connect again at once, since their followers look at the log all the time.)
        await self._server.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
        while True:
            await self._server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1",
                name,
            )
            try:
                await self._server.execute(statement)
                break
            except asyncpg.ObjectInUseError:
                await asyncio.sleep(0.01)  # somebody connected anew just then
        await self._server.execute(f'ALTER DATABASE "{named or name}" CONNECTION LIMIT -1')


@asynccontextmanager
async def replaceable(server_url: str, template: str) -> AsyncIterator[Replaceable]:
    """A copy of a database that can be replaced, gone after the block."""
    server = await asyncpg.connect(server_url)
    made = Replaceable(server, server_url, f"sessionary_test_{secrets.token_hex(8)}")
    try:
        await server.execute(f'CREATE DATABASE "{made.name}" TEMPLATE "{template}"')
        yield made
    finally:
        await made.drop()
        await server.close()


async def sound(live: Replaceable) -> None:
    """The views equal the log, and it can be folded again."""
    async with connected(live.url) as store:
        assert await verify(store, KEYRING, silent) == []


async def open_session(
    service: Service, account: str | None = None, purpose: str | None = "p"
) -> CommandResult:
    """Create a session as the face does it: a known account is not looked up."""
    call = given.call()
    asked = await _new_ai_session(
        service, r.NewAISession(account_id=account, purpose=purpose), call
    )
    return await service.commands.handle(asked.command, call, asked.drawn)
