"""Commands that look work on a hot standby; those that write say why they do not."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from msgspec import Struct
from support import database, given
from support.clusters import OwnCluster, own_cluster
from support.patience import patient
from support.service_process import free_port

from app.cli.main import main
from app.cli.options import reachable
from app.maintenance import users
from app.maintenance.recovery import RecoveryConflict, again_after_conflict
from app.maintenance.store import DataLocation, SchemaPermission, connected, prepare
from app.service import open_service
from app.settings import Settings


class Pair(Struct, frozen=True):
    """Two servers with the same log, and the id of its one AI session."""

    primary: OwnCluster
    standby: OwnCluster
    key_file: Path
    session: str

    def run(self, server: OwnCluster, *command: str) -> Result:
        """A command on the log of one of the two, in this process."""
        options = (f"--database-url={server.url()}", f"--master-key-file={self.key_file}")
        return CliRunner().invoke(
            main, [*command, *options, "--allow-unsafe-database", "--allow-owner-login"]
        )


async def a_log(url: str, key_file: Path) -> str:
    where = DataLocation(
        database_url=url,
        data_dir=key_file.parent,
        master_key_file=key_file,
        allow_unsafe_database=True,
    )
    await prepare(url, where, SchemaPermission.MIGRATE)
    async with connected(url) as store:
        await users.add(store, "kim", ["Agent"], None)
    settings = Settings(database_url=url, master_key=database.MASTER_KEY, store_deadline_s=10.0)
    service = await open_service(settings)
    await given.open_account(service)
    opened = await given.open_ai_session(service, account="a1")
    await given.open_chat_session(service)
    await service.close()
    return given.session_of(opened)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    key_file = tmp_path_factory.mktemp("key") / "master.key"
    database.write_master_key(key_file)
    with own_cluster() as primary, own_cluster() as standby:
        primary.create()
        with primary.started():
            # Not in the tests' own loop, which is running.
            session = asyncio.run(a_log(primary.url(), key_file))
            standby.copy_of(primary)
            with standby.started():
                yield Pair(primary, standby, key_file, session)


@pytest.mark.parametrize(
    "command",
    [
        ("verify",),
        ("users", "list"),
        ("accounts", "list"),
        ("replay", "1"),
        ("replay", "SESSION", "--output=json"),
        ("replay", "SESSION", "--state", "--as-of=now"),
        ("events", "list"),
        ("events", "list", "--field=purpose", "--until=now"),
        ("events", "tail"),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_what_looks_shows_the_same_on_both(pair: Pair, command: tuple[str, ...]) -> None:
    arguments = [pair.session if part == "SESSION" else part for part in command]
    on_both = [pair.run(server, *arguments) for server in (pair.primary, pair.standby)]
    assert [ended.exit_code for ended in on_both] == [0, 0], on_both[1].stderr
    if command != ("doctor",):
        assert on_both[0].stdout == on_both[1].stdout


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("rebuild",),
        ("users", "add", "max", "--role=Agent"),
        ("users", "token", "kim"),
        ("accounts", "add", "a2", "More"),
        ("serve",),
    ],
    ids=" ".join,
)
def test_what_writes_says_why_it_does_not(pair: Pair, command: tuple[str, ...]) -> None:
    port = [f"--port={free_port()}"] if command == ("serve",) else []
    ended = pair.run(pair.standby, *command, *port)
    assert ended.exit_code == 3, ended.stderr
    assert "The database takes no writes: it is a standby" in ended.stderr
    assert ended.stdout == ""


def test_the_doctor_says_that_it_is_one(pair: Pair) -> None:
    found = json.loads(pair.run(pair.standby, "doctor", "--output=json").stdout)
    (server,) = (check for check in found["checks"] if check["check"] == "server")
    assert server["message"].endswith("a standby")


async def test_of_several_hosts_the_one_that_takes_writes_is_looked_at(pair: Pair) -> None:
    folders = f"{pair.standby.folder},{pair.primary.folder}"
    url = f"postgresql://postgres@/postgres?host={folders}&port=5432,5432"
    async with connected(url, looks=True) as store:
        assert not await store.raw.fetchval("SELECT pg_is_in_recovery()")
    async with connected(pair.standby.url(), looks=True) as store:
        assert await store.raw.fetchval("SELECT pg_is_in_recovery()")
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await store.raw.execute("CREATE TEMP TABLE made ()")


LEAVES_NOTHING = (
    "DROP TABLE IF EXISTS swept",
    "CREATE TABLE swept AS SELECT generate_series(1, 1000) AS n",
    "DELETE FROM swept",
    "VACUUM swept",
)
"""What a standby cannot take over while a snapshot there is older."""


class Impatient(Struct, frozen=True):
    """Their owner's connections, while the standby lets nobody stand in its way."""

    primary: asyncpg.Connection
    standby: asyncpg.Connection

    async def on_standby(self, statement: str, *arguments: object) -> Any:
        """A statement's value; begun anew when recovery cancels it."""
        async with asyncio.timeout(patient(30)):
            while True:
                with suppress(asyncpg.SerializationError):
                    return await self.standby.fetchval(statement, *arguments)

    async def caught_up(self) -> None:
        """Return when the standby has taken over all that is there."""
        there = await self.primary.fetchval("SELECT pg_current_wal_lsn()::text")
        replayed = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
        while not await self.on_standby(replayed, there):
            await asyncio.sleep(0.01)


@pytest.fixture
async def impatient(pair: Pair) -> AsyncIterator[Impatient]:
    reload = "SELECT pg_reload_conf()"
    both = Impatient(
        await asyncpg.connect(pair.primary.url()), await asyncpg.connect(pair.standby.url())
    )
    await both.on_standby("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    await both.on_standby(reload)
    yield both
    await both.on_standby("ALTER SYSTEM RESET max_standby_streaming_delay")
    await both.on_standby(reload)
    await both.primary.close()
    await both.standby.close()


@asynccontextmanager
async def swept(impatient: Impatient) -> AsyncIterator[None]:
    """Again and again, for as long as the block lasts; after it, the standby is in no one's way."""

    async def sweep() -> None:
        while True:
            for statement in LEAVES_NOTHING:
                await impatient.primary.execute(statement)

    sweeping = asyncio.create_task(sweep())
    try:
        yield
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await impatient.caught_up()


async def test_a_look_that_recovery_cancels_is_begun_anew(pair: Pair, impatient: Impatient) -> None:
    begun: list[int] = []
    async with connected(pair.standby.url(), looks=True) as store, asyncio.timeout(30):

        async def look() -> None:
            begun.append(1)
            async with store.raw.transaction(isolation="repeatable_read", readonly=True):
                if len(begun) == 1:
                    async with swept(impatient):
                        await store.ask("SELECT pg_sleep(60) FROM account_info")
                await store.ask("SELECT count(*) FROM account_info")

        await again_after_conflict(store.raw, look)
    assert len(begun) > 1


async def test_one_that_is_cancelled_whenever_it_is_begun_says_why(
    pair: Pair, impatient: Impatient
) -> None:
    async with connected(pair.standby.url(), looks=True) as store, asyncio.timeout(30):
        with pytest.raises(RecoveryConflict, match="max_standby_streaming_delay"):
            async with swept(impatient):
                await store.ask("SELECT pg_sleep(60) FROM account_info")


def test_it_is_told_as_what_may_pass(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        raise RecoveryConflict(asyncpg.SerializationError("conflict with recovery"))

    with pytest.raises(SystemExit) as ended:
        reachable(run)
    assert ended.value.code == 3
    assert "(conflict with recovery)" in capsys.readouterr().err
