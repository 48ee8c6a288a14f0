"""Checks and corrects the rights in the database of the service's role and of PUBLIC."""

from collections.abc import Sequence

import asyncpg

import migrations
from app.database.sql import blocks
from app.settings import SERVICE_ROLE
from projections import catalog

SQL = blocks(migrations.__file__.replace("__init__", "rights"))


async def amiss(connection: asyncpg.Connection) -> Sequence[str]:
    """The wrong rights, in words; changes nothing."""
    return [row["what"] for row in await _found(connection)]


async def put_right(connection: asyncpg.Connection) -> Sequence[str]:
    """Correct the role and its rights; returns in words the rights that were wrong.

    Raises asyncpg.InsufficientPrivilegeError if the login may not. PostgreSQL skips, with a
    warning, a grant that the login may not give: call `amiss` again to find out.
    """
    found = await _found(connection)
    for row in found:
        await connection.execute(row["statement"])
    return [row["what"] for row in found]


async def _found(connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
    views = [view.name for view in catalog.VIEWS]
    rows: Sequence[asyncpg.Record] = await connection.fetch(SQL["amiss"], SERVICE_ROLE, views)
    return rows
