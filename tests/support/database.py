"""A PostgreSQL for the tests to run on, and databases on it that are copied and dropped."""

import gc
import os
import secrets
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, contextmanager
from functools import cache
from pathlib import Path
from shutil import disk_usage
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import docker  # type: ignore[import-untyped]  # it has no types
import pytest
from requests import RequestException

from app.database.new_log import NewLog
from app.database.rights import let_log_in
from app.database.scram import verifier
from app.maintenance.store import DataLocation, SchemaPermission, connected, prepare
from app.settings import SERVICE_ROLE
from support import citus

IMAGE = "postgres:18"
PARTITIONS = int(os.environ.get("TEST_PARTITIONS", "1"))
"""Partitions of a log of which a test does not say how many it has."""
SEVERAL = 4
"""Partitions of a log that has not one: so few that a test's events fill all of them."""
ONE_PARTITION = pytest.mark.parametrize("partitions", [1], ids=["one"])
"""Of a test that names positions of one partition, or whose streams have to be in one."""
DISTRIBUTED = bool(os.environ.get("TEST_DISTRIBUTED"))
"""Whether the tests' databases are on TEST_CITUS_URL, with logs distributed over its nodes."""
EMPTY = "template0"
"""The database that an empty one is a copy of."""
MASTER_KEY_FILE = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"
"""What the key file of a test holds: `MASTER_KEY` in base64."""
MASTER_KEY = b"01234567890123456789012345678901"
SERVICE_PASSWORD = "the service's own"
"""By which the role of the service logs in, where the server asks for one."""
_ENGINE_ANSWERS_S = 2


def write_master_key(path: Path) -> None:
    """Write the tests' master key to a file that only we may read."""
    path.touch(0o600)
    path.write_text(MASTER_KEY_FILE)


@contextmanager
def server(say: Callable[[str], None]) -> Iterator[str]:
    """The URL of a running PostgreSQL (a Citus if DISTRIBUTED), whose user may do everything there.

    `say` hears when it is not the one that `server_in_words` names.
    """
    given = citus.URL if DISTRIBUTED else os.environ.get("TEST_DATABASE_URL")
    with ExitStack() as stack:
        url = given or (_contained(stack, say) if docker_state() == "ready" else None)
        yield url or stack.enter_context(_embedded())


def server_in_words() -> str:
    """Which PostgreSQL `server` takes, and why."""
    if DISTRIBUTED:
        return "the Citus of TEST_CITUS_URL"
    if os.environ.get("TEST_DATABASE_URL"):
        return "the one of TEST_DATABASE_URL"
    state = docker_state()
    return f"{IMAGE} in a container" if state == "ready" else f"the embedded one ({state})"


@cache
def docker_state() -> str:
    """`ready` when a Docker engine answers and has the image or can get it; else what is amiss."""
    with warnings.catch_warnings():
        # A client that finds no engine leaves its socket to the collector, which would complain
        # about it in the middle of some test: let it, here and now.
        warnings.simplefilter("ignore", ResourceWarning)
        state = _ask_docker()
        gc.collect()
    return state


def _ask_docker() -> str:
    try:
        with closing(docker.from_env(timeout=_ENGINE_ANSWERS_S)) as engine:
            engine.ping()
            try:
                engine.images.get(IMAGE)
            except docker.errors.ImageNotFound:
                engine.api.timeout = 300
                engine.images.pull(IMAGE)
    except (docker.errors.DockerException, RequestException) as error:
        return f"no Docker engine with {IMAGE}: {type(error).__name__}"
    return "ready"


@asynccontextmanager
async def migrated(server_url: str, partitions: int = 1) -> AsyncIterator[str]:
    """The name of a database with the present schema and the tests' master key, while it lasts.

    On a Citus, its log is distributed.
    """
    name = f"sessionary_test_{secrets.token_hex(4)}"
    async with created(server_url, name) as url:
        await migrate(url, partitions)
        yield name


async def migrate(url: str, partitions: int) -> None:
    """Make the present schema in an empty database, with the tests' master key."""
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder, "master.key")
        write_master_key(key_file)
        where = DataLocation(
            database_url=url,
            data_dir=Path(folder),
            master_key_file=key_file,
            allow_unsafe_database=True,
            log=NewLog(partitions=partitions, distributed=len(await citus.nodes(url)) > 1),
        )
        await prepare(url, where, SchemaPermission.MIGRATE)
        if form := os.environ.get("TEST_FUNCTIONS"):
            await _at(url, "INSERT INTO log_setting VALUES ('functions', $1)", form)
            await prepare(url, where, SchemaPermission.MIGRATE)
        # Tests make a `Keyring` of the master key alone, which is the root of early logs.
        await _at(url, "DELETE FROM log_setting WHERE name = 'root_key'")
        async with connected(url) as owner:
            await let_log_in(owner.raw, verifier(SERVICE_PASSWORD))


@asynccontextmanager
async def templates(server_url: str) -> AsyncIterator[Mapping[int, str]]:
    """By the number of partitions: the names of migrated databases to copy, while they last.

    All are made at once: a test may have replaced the migrations when it asks for its own.
    """
    async with AsyncExitStack() as stack:
        yield {
            partitions: await stack.enter_async_context(migrated(server_url, partitions))
            for partitions in {1, PARTITIONS, SEVERAL}
        }


def service_url(url: str) -> str:
    """The database at a URL, by the service's login."""
    parts = urlsplit(url)
    login = f"{SERVICE_ROLE}:{quote(SERVICE_PASSWORD, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}"))


def logins(url: str) -> tuple[str, str]:
    """The options of `serve` for a database: the service's login, and the owner's."""
    return f"--database-url={service_url(url)}", f"--owner-url={url}"


@asynccontextmanager
async def created(server_url: str, name: str, template: str = EMPTY) -> AsyncIterator[str]:
    """The URL of a new database, a copy of another; dropped afterwards, whoever is connected."""
    url = await create(server_url, name, template)
    try:
        yield url
    finally:
        await drop(server_url, name)


async def create(server_url: str, name: str, template: str = EMPTY) -> str:
    """The URL of a new database, a copy of another; on a Citus, it is one on all nodes."""
    everywhere = await citus.nodes(server_url)
    is_copy, is_shared = template != EMPTY, len(everywhere) > 1
    for node in everywhere:
        if is_copy and is_shared:  # nobody may be connected to it, not even Citus's own process
            await _at(node, f'ALTER DATABASE "{template}" ALLOW_CONNECTIONS false')
            await _at(node, _SHUT_OUT, template)
        await _at(node, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    if is_shared and not is_copy:
        await citus.join(url)
    return url


async def drop(server_url: str, name: str) -> None:
    """Drop a database, whoever is connected; on a Citus from all nodes."""
    everywhere = await citus.nodes(server_url)
    for node in everywhere:
        if len(everywhere) > 1:  # it may have been a template
            await _at(node, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await _at(node, f'DROP DATABASE "{name}" WITH (FORCE)')


_SHUT_OUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"


async def _at(url: str, statement: str, *arguments: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


def _contained(stack: ExitStack, say: Callable[[str], None]) -> str | None:
    """The URL of a server in a container, for as long as `stack`; None if it does not start."""
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(IMAGE, driver=None)
    # Every test has a database of its own: in memory they come and go many times as fast.
    container.with_tmpfs_mount("/var/lib/postgresql")
    try:
        stack.enter_context(container)
    except (docker.errors.DockerException, OSError) as error:
        say(f"PostgreSQL: the embedded one, because the container did not start: {error}")
        return None
    url: str = container.get_connection_url()
    return url


MEMORY = Path("/dev/shm")  # a folder of a random name is made in it
MEMORY_BYTES = 2 * 1024**3


@contextmanager
def _embedded() -> Iterator[str]:
    from app.database.embedded import running

    with folder_of_databases() as folder, running(folder) as url:
        yield url


@contextmanager
def folder_of_databases() -> Iterator[Path]:
    """A folder, in memory where there is room: databases come and go many times as fast there."""
    memory = MEMORY if MEMORY.is_dir() and disk_usage(MEMORY).free > MEMORY_BYTES else None
    # Not pytest's tmp_path: root's is closed to the account that runs PostgreSQL for root.
    with tempfile.TemporaryDirectory(
        prefix="sessionary-tests-", dir=memory, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)
