"""Databases on all nodes of a Citus, which TEST_CITUS_URL names by its coordinator."""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from app.database.new_log import NewLog
from app.database.rights import let_log_in
from app.database.scram import verifier
from app.maintenance.store import DataLocation, SchemaPermission, connected, prepare

from . import database

NONE = "TEST_CITUS_URL names no coordinator: no package registry has Citus"
URL = os.environ.get("TEST_CITUS_URL", "")
needed = pytest.mark.skipif(not URL, reason=NONE)


def at(url: str, host: str, port: int) -> str:
    """The same database on another node."""
    login, mark, _ = urlsplit(url).netloc.rpartition("@")
    return urlunsplit(urlsplit(url)._replace(netloc=f"{login}{mark}{host}:{port}"))


async def nodes(url: str = URL) -> Sequence[str]:
    """The URLs of all nodes, the coordinator's first."""
    rows = await asked(url, "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid > 0")
    return [url, *(at(url, row["nodename"], row["nodeport"]) for row in rows)]


async def asked(url: str, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
    """The rows of one statement, on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        rows: Sequence[asyncpg.Record] = await connection.fetch(sql, *arguments)
        return rows
    finally:
        await connection.close()


def named(url: str, name: str) -> str:
    """Another database of the same node."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@asynccontextmanager
async def created(name: str, template: str = "template0") -> AsyncIterator[str]:
    """The coordinator's URL of a new database on all nodes; dropped afterwards."""
    everywhere = await nodes()
    for url in everywhere:
        if template != "template0":  # nobody may be connected to it, not even Citus's own process
            await asked(url, f'ALTER DATABASE "{template}" ALLOW_CONNECTIONS false')
            await asked(
                url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
                template,
            )
        await asked(url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield named(URL, name)
    finally:
        for url in everywhere:
            await asked(url, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            await asked(url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def join(url: str) -> None:
    """Make a new database one of Citus, on all nodes."""
    for each in await nodes():
        await asked(named(each, urlsplit(url).path[1:]), "CREATE EXTENSION citus")
    parts = urlsplit(url)
    await asked(url, "SELECT citus_set_coordinator_host($1, $2)", parts.hostname, parts.port)
    for each in (await nodes())[1:]:
        parts = urlsplit(each)
        await asked(url, "SELECT citus_add_node($1, $2)", parts.hostname, parts.port)


@asynccontextmanager
async def migrated(partitions: int = database.SEVERAL) -> AsyncIterator[str]:
    """The name of a database with a distributed log under the tests' master key, while it lasts."""
    name = f"sessionary_test_{secrets.token_hex(4)}"
    async with created(name) as url:
        await join(url)
        with tempfile.TemporaryDirectory() as folder:
            key_file = Path(folder, "master.key")
            database.write_master_key(key_file)
            where = DataLocation(
                database_url=url,
                data_dir=Path(folder),
                master_key_file=key_file,
                allow_unsafe_database=True,
                log=NewLog(partitions=partitions, distributed=True),
            )
            await prepare(url, where, SchemaPermission.MIGRATE)
            await asked(url, "DELETE FROM log_setting WHERE name = 'root_key'")
            async with connected(url) as owner:
                await let_log_in(owner.raw, verifier(database.SERVICE_PASSWORD))
        yield name
