"""Real servers of the embedded PostgreSQL, and other processes that use them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil

from app.database.embedded_cluster import Cluster


@contextmanager
def folder() -> Iterator[Path]:
    # Not tmp_path: pytest closes its parents to the account that runs PostgreSQL for root.
    made = Path(tempfile.mkdtemp(prefix="embedded-"))
    yield made
    kill_server(made)
    shutil.rmtree(made)


def server(data_dir: Path) -> list[psutil.Process]:
    """Every living process that PostgreSQL has in this data directory, its first one first."""
    processes = Cluster.at(data_dir)._processes()
    return sorted(processes, key=lambda process: process.create_time())


def kill_server(data_dir: Path) -> None:
    while processes := server(data_dir):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
