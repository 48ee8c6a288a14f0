"""Keeps tables from being swapped while somebody reads them in one long snapshot.

A snapshot does not see the rows of a table that was swapped in after it was taken.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.database.sql import blocks
from app.maintenance.own_session import require_own_session
from app.maintenance.store import Connection

SQL = blocks(__file__)


@asynccontextmanager
async def without_swaps(store: Connection) -> AsyncIterator[None]:
    """Wait until no rebuild runs, and let none begin before the block ends.

    Raises UnusableDatabase behind a pooler.
    """
    await require_own_session(store)
    await store.raw.execute(SQL["begin"])
    try:
        yield
    finally:
        if not store.raw.is_closed():
            await store.raw.execute(SQL["end"])
