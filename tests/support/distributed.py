"""Logs on the nodes of a Citus, for services that tests start as processes."""

import asyncio
import atexit
import secrets
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from support import citus, database

T = TypeVar("T")


@contextmanager
def distributed_log(folder: Path, partitions: int) -> Iterator[Sequence[str]]:
    """The options of `serve` for a log of its own on the nodes of Citus; its key is in `folder`."""
    key_file = folder / "master.key"
    database.write_master_key(key_file)
    name = f"sessionary_test_{secrets.token_hex(8)}"
    url = _waited_for(database.create(citus.URL, name, _distributed(partitions)))
    try:
        yield (
            *database.logins(url), f"--master-key-file={key_file}", "--allow-unsafe-database",
        )  # fmt: skip
    finally:
        _waited_for(database.drop(citus.URL, name))


@cache
def _distributed(partitions: int) -> str:
    """The name of a database to be copied on all nodes of Citus."""
    name = f"sessionary_test_{secrets.token_hex(4)}"
    url = _waited_for(database.create(citus.URL, name))
    atexit.register(lambda: asyncio.run(database.drop(citus.URL, name)))
    _waited_for(database.migrate(url, partitions))
    return name


def _waited_for(step: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine. (In a thread: a loop may be running in this one.)"""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, step).result()
