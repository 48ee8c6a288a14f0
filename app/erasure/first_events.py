"""The first events of streams: they say when a session was opened, and in which account."""

from collections.abc import Sequence

import asyncpg

from app.database.sql import blocks
from app.history.reader import Reader
from domain.ids import StreamId

SQL = blocks(__file__)


async def first_events(reader: Reader, streams: Sequence[StreamId]) -> Sequence[asyncpg.Record]:
    """`stream`, `recorded_at` and `state` of each stream that there is. Raises StoreDown."""
    homes = list(map(reader.partition, streams))
    return await reader.store.ask(SQL["first_events"], homes, list(streams))
