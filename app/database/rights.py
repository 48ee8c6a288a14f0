"""What the service's role may do in the database, and PUBLIC may not: looked at, and put right."""

from collections.abc import Sequence

import asyncpg

import migrations
from app.database.sql import blocks
from app.settings import SERVICE_ROLE
from projections import catalog

SQL = blocks(migrations.__file__.replace("__init__", "rights"))


async def amiss(connection: asyncpg.Connection) -> Sequence[str]:
    """What is not right, in words; nothing is changed."""
    return [row["what"] for row in await _found(connection)]


async def put_right(connection: asyncpg.Connection) -> Sequence[str]:
    """Make the role and its rights as they should be; what was not right, in words.

    Raises asyncpg.InsufficientPrivilegeError where the login may not. A grant that a login may
    not give is passed over by PostgreSQL with a warning: whoever wants to know asks `amiss` again.
    """
    found = await _found(connection)
    for row in found:
        await connection.execute(row["statement"])
    return [row["what"] for row in found]


async def _found(connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
    views = [view.name for view in catalog.VIEWS]
    rows: Sequence[asyncpg.Record] = await connection.fetch(SQL["amiss"], SERVICE_ROLE, views)
    return rows
