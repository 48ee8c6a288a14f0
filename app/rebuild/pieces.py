"""Compares a fresh table with the live one in pieces: one snapshot for all would slow writers."""

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
    """The number of rows that differ in a piece, and its end; None after the last piece.

    `after`: the beginning of the piece. Call this in a transaction.
    """
    end = await connection.fetchrow(SQL["piece"].format(fresh=fresh), *after, PIECE_ROWS)
    upto = _BEHIND_ALL if end is None else (end["partition"], end["stream_id"])
    await connection.execute(SQL["whole_tables"])
    statement = SQL["differing"].format(live=live, fresh=fresh)
    count: int = await connection.fetchval(statement, *after, *upto)
    return count, None if end is None else upto
