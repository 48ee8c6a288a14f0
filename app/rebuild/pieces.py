"""Compares a fresh table with the live one: each range when it is written, and doubts at the end.

A row that differed when it was written, or whose stream has moved since, is compared again at the
end, in a snapshot, in pieces: one snapshot for all would slow writers.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from app.database.sql import blocks
from app.rebuild import tables
from projections.view import View

SQL = blocks(__file__)
PIECE_ROWS = 2_000

Place = tuple[int, UUID]
"""A partition and a stream."""
BEFORE_ALL: Place = (-(2**31), UUID(int=0))


async def doubt(
    connection: asyncpg.Connection, views: Collection[View], partition: int, after: UUID, upto: UUID
) -> None:
    """Keep the streams of a range whose rows differ; the connection needs `range_plans`."""
    parts = [tables.sql(SQL["doubt"], view) for view in views]
    await connection.execute(
        f"{SQL['doubts']} {' UNION ALL '.join(parts)} {SQL['once']}", partition, after, upto
    )


async def range_plans(connection: asyncpg.Connection) -> None:
    """Have ranges merged: connections are set up for index probes."""
    await connection.execute(SQL["range_plans"])


async def doubt_streams(
    connection: asyncpg.Connection, names: Collection[str], partition: int, streams: Sequence[UUID]
) -> None:
    """Keep streams that were folded anew."""
    await connection.execute(SQL["doubt_streams"], list(names), partition, streams)


async def doubt_beyond(connection: asyncpg.Connection, view: View, partitions: int) -> None:
    """Keep the live rows of partitions that the log does not have."""
    await connection.execute(tables.sql(SQL["doubt_beyond"], view), view.name, partitions)


async def differing(
    connection: asyncpg.Connection, view: View, after: Place
) -> tuple[list[UUID], Place | None]:
    """The streams in a piece of the doubts whose rows differ, and its end; None after the last.

    `after`: the beginning of the piece.
    """
    statement = tables.sql(SQL["differing"], view)
    rows = await connection.fetch(statement, view.name, *after, PIECE_ROWS)
    end = (rows[-1]["partition"], rows[-1]["stream_id"]) if len(rows) == PIECE_ROWS else None
    return [row["stream_id"] for row in rows if row["differs"]], end
