"""A fresh table against the live one, in pieces: a snapshot of all would slow down who write."""

from uuid import UUID

import asyncpg

from app.database.sql import blocks

SQL = blocks(__file__)
PIECE_ROWS = 2_000

Place = tuple[int, UUID]
"""A partition and a stream."""
BEFORE_ALL: Place = (-1, UUID(int=0))
_BEHIND_ALL: Place = (2**31 - 1, UUID(int=2**128 - 1))


async def differing(
    connection: asyncpg.Connection, live: str, fresh: str, after: Place
) -> tuple[int, Place | None]:
    """How many rows of a piece differ, and where it ends; None behind the last one.

    `after`: where it begins. To be asked in a transaction.
    """
    end = await connection.fetchrow(SQL["piece"].format(fresh=fresh), *after, PIECE_ROWS)
    upto = _BEHIND_ALL if end is None else (end["partition"], end["stream_id"])
    await connection.execute(SQL["whole_tables"])
    statement = SQL["differing"].format(live=live, fresh=fresh)
    count: int = await connection.fetchval(statement, *after, *upto)
    return count, None if end is None else upto
