"""A primary with a log, its hot standby, and a service that reads from both."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from app.maintenance import users
from app.maintenance.store import Connection, DataLocation, SchemaPermission, connected, prepare
from app.settings import Settings
from support import database
from support.clusters import OwnCluster, own_cluster
from support.in_process import PASSWORD


class Streaming(Struct, frozen=True):
    """Two servers, of which the second follows the first."""

    primary: OwnCluster
    standby: OwnCluster

    @property
    def settings(self) -> Settings:
        """Those of a service on both. It waits long for a standby that is merely slow."""
        return Settings(
            database_url=self.primary.url(),
            master_key=database.MASTER_KEY,
            read_url=self.standby.url(),
            read_wait_s=10.0,
            allowed_hosts=frozenset({"test"}),
            store_deadline_s=10.0,
        )

    @asynccontextmanager
    async def on(self, server: OwnCluster) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the owner of everything."""
        connection = await asyncpg.connect(server.url())
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """The standby takes nothing over, for as long as the block lasts."""
        async with self.on(self.standby) as owner:
            await owner.execute("SELECT pg_wal_replay_pause()")
            while await owner.fetchval("SELECT pg_get_wal_replay_pause_state()") != "paused":
                await asyncio.sleep(0.01)
            try:
                yield
            finally:
                await owner.execute("SELECT pg_wal_replay_resume()")

    async def caught_up(self) -> None:
        """Return when the standby has taken over all that is on the primary now."""
        async with self.on(self.primary) as there, self.on(self.standby) as here:
            end = await there.fetchval("SELECT pg_current_wal_flush_lsn()::text")
            while not await here.fetchval(
                "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", end
            ):
                await asyncio.sleep(0.01)


@contextmanager
def with_log(partitions: int = 1) -> Iterator[OwnCluster]:
    """A server with a log, where kim may do everything."""
    with own_cluster() as made, ExitStack() as stack:
        made.create()
        stack.enter_context(made.started())
        with TemporaryDirectory() as folder:
            asyncio.run(_begin(made.url(), Path(folder), partitions))
        yield made


@contextmanager
def streaming(primary: OwnCluster) -> Iterator[Streaming]:
    """The server and a fresh standby of it."""
    with own_cluster() as standby:
        standby.copy_of(primary)
        with standby.started():
            yield Streaming(primary, standby)


async def _begin(url: str, folder: Path, partitions: int) -> None:
    key_file = folder / "master.key"
    database.write_master_key(key_file)
    where = DataLocation(
        database_url=url,
        data_dir=folder,
        master_key_file=key_file,
        allow_unsafe_database=True,
    )
    if partitions > 1:
        where = replace(where, log=replace(where.log, partitions=partitions))
    await prepare(url, where, SchemaPermission.MIGRATE)
    async with connected(url) as store:
        await add_people(store)


async def add_people(store: Connection) -> None:
    """Kim may do everything; so may max, who also erases."""
    await users.add(store, "kim", ["SystemAdministrator"], PASSWORD)
    await users.add(store, "max", ["SystemAdministrator", "DataProtection"], PASSWORD)
