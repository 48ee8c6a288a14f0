"""What all tests share: one PostgreSQL a run, a database of its own for each test that asks."""

import logging
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest
from support import database
from support.database import PARTITIONS
from support.pgbouncer import Pooler, pgbouncer, program

from app.database.pool import Pool
from app.log.append import Appender
from app.log.keyring import Keyring
from app.maintenance.store import Connection, connected
from app.service import Service, open_service
from app.settings import Settings


def pytest_configure(config: pytest.Config) -> None:
    """Keep bytecode beside pytest's cache where the environment wants none beside the sources.

    A service starts in half the time when it need not be compiled; tests start a hundred.
    """
    if sys.dont_write_bytecode and hasattr(config, "cache"):
        sys.dont_write_bytecode, sys.pycache_prefix = False, str(config.cache.mkdir("bytecode"))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix


def pytest_report_header() -> str:
    return f"PostgreSQL, if a test needs it: {database.server_in_words()}"


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server whose user may do everything there."""
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")
    with database.server(terminal.write_line if terminal else logging.warning) as url:
        yield url


@pytest.fixture(scope="session")
async def templates(server_url: str) -> AsyncIterator[Mapping[int, str]]:
    """The migrated databases that those of the tests copy, by the number of their partitions."""
    async with database.templates(server_url) as made:
        yield made


@pytest.fixture(scope="session")
def template(templates: Mapping[int, str]) -> str:
    """The one whose log has as many partitions as TEST_PARTITIONS says."""
    return templates[PARTITIONS]


@pytest.fixture
def partitions() -> int:
    """How many the test's log has: a test of both 1 and `SEVERAL` takes them as its parameter."""
    return PARTITIONS


@pytest.fixture
def its_template(templates: Mapping[int, str], partitions: int) -> str:
    """The one that the test's database is a copy of."""
    return templates[partitions]


@pytest.fixture
async def database_url(server_url: str, its_template: str) -> AsyncIterator[str]:
    """A migrated database of this test's own, as its owner."""
    name = f"sessionary_test_{secrets.token_hex(8)}"
    async with database.created(server_url, name, its_template) as url:
        yield url


@pytest.fixture
async def empty_database_url(server_url: str) -> AsyncIterator[str]:
    """An empty database of this test's own, as its owner."""
    async with database.created(server_url, f"sessionary_test_{secrets.token_hex(8)}") as url:
        yield url


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the owner of everything in the test's database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def pooler(server_url: str) -> AsyncIterator[Pooler]:
    """pgbouncer before the server; skips the test where it is not installed."""
    if program() is None:
        pytest.skip("pgbouncer is not installed")
    own = await asyncpg.connect(server_url)
    in_folder = "host=" in server_url  # of a server that lets in our account alone
    hba_file = Path(await own.fetchval("SHOW hba_file")) if in_folder else None
    try:
        with pgbouncer(server_url, hba_file) as made:
            await own.execute("SELECT pg_reload_conf()")
            yield made
    finally:
        await own.execute("SELECT pg_reload_conf()")
        await own.close()


@pytest.fixture
def direct(database_url: str) -> Settings:
    """The service's defaults and login, on the test's database; slow machines get more patience."""
    return Settings(
        database_url=database.service_url(database_url),
        master_key=database.MASTER_KEY,
        store_deadline_s=10.0,
        past_wait_s=10.0,
        password_wait_s=10.0,
        allowed_hosts=frozenset({"test"}),  # that of calls without a socket
    )


@pytest.fixture
async def pooled(direct: Settings, pooler: Pooler, owner: asyncpg.Connection) -> Settings:
    """The same behind pgbouncer."""
    return await pooler.settings(direct, owner)


@pytest.fixture
def settings(direct: Settings, request: pytest.FixtureRequest) -> Settings:
    """`direct`, or `pooled` if TEST_PGBOUNCER says so."""
    if not os.environ.get("TEST_PGBOUNCER"):
        return direct
    pooled: Settings = request.getfixturevalue("pooled")
    return pooled


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    """What one worker process holds."""
    opened = await open_service(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def other_service(settings: Settings) -> AsyncIterator[Service]:
    """What another worker process holds, on the same database."""
    opened = await open_service(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    """Connections as a worker process has them."""
    opened = Pool(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def appender(pool: Pool) -> AsyncIterator[Appender]:
    """Appends to the log's partition."""
    yield (made := Appender(pool, 0, batch=256, deadline_s=10))
    await made.drain()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Connection]:
    """A command's own connection, as the owner."""
    async with connected(database_url) as opened:
        yield opened


@pytest.fixture
def keyring(settings: Settings) -> Keyring:
    """The keys of the database's personal data."""
    return Keyring(settings.master_key)
