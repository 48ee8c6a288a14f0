"""Tables of rebuilds that are under way, or were broken off: what is erased goes from there, too.

While an index is being made on such a table, nobody can write to it. So it may have to be tried
again: a receipt is not whole before it is done.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import asyncpg

from app.database.sql import blocks
from app.erasure.scope import ErasedSession

SQL = blocks(__file__)


class _Store(Protocol):
    """Connections that may write."""

    async def ask(
        self, sql: str, *arguments: object, writes: bool = False
    ) -> Sequence[asyncpg.Record]: ...


async def erase_in_unfinished(store: _Store, sessions: Sequence[ErasedSession]) -> bool:
    """Whether what was erased of some sessions is gone there. Raises StoreDown."""
    partitions = [int(each.fence.partition(":")[0]) for each in sessions]
    streams = [UUID(each.stream) for each in sessions]
    (row,) = await store.ask(SQL["erase"], partitions, streams, writes=True)
    return bool(row["done"])
