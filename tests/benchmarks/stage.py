"""Where the benchmarks run: one embedded PostgreSQL, a database for each thing measured."""

import asyncio
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from msgspec import Struct

from app.database.embedded import running
from app.database.embedded_cluster import Cluster
from app.database.rights import let_log_in
from app.settings import SERVICE_ROLE


class Stage(Struct, frozen=True):
    """A running server, and a folder that goes with it."""

    folder: Path
    url: str
    """Of the database that the server was made with."""

    @property
    def postmaster(self) -> int:
        """The process that all processes of the server come from."""
        pid_file = Cluster.at(self.folder / "data").files / "postmaster.pid"
        return int(pid_file.read_text().partition("\n")[0])

    def new_database(self, name: str) -> str:
        """The URL of a new, empty database; the name is where its own begins."""
        name = f"{name}_{secrets.token_hex(4)}"
        asyncio.run(_create(self.url, name))
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))


def service_url(url: str) -> str:
    """A database of the stage, by the service's login."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{SERVICE_ROLE}@"))


def logins(url: str) -> tuple[str, ...]:
    """The options of `serve` for a database of the stage."""
    return "--database-url", service_url(url), "--owner-url", url


@contextmanager
def stage(parent: Path | None) -> Iterator[Stage]:
    """A server in a new folder below `parent`; both are gone after the block."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as name:
        folder = Path(name)
        with running(folder / "data") as url:
            yield Stage(folder, url)


async def let_service_in(url: str) -> None:
    """Let workers log in, as `serve` does."""
    connection = await asyncpg.connect(url)
    try:
        await let_log_in(connection, None)
    finally:
        await connection.close()


async def _create(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        # On a disk that is already flushed, so that nobody pays for what was before.
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    os.sync()
