"""A view's live table and the fresh one beside it: made, locked, swapped."""

import asyncpg

from app.database.sql import blocks
from app.log.read import Head
from app.rebuild.dependants import require_independence
from projections.view import WRITTEN, View

SQL = blocks(__file__)


def fresh(view: View) -> str:
    """The name of a view's fresh table."""
    return f"{view.name}_new"


def sql(statement: str, view: View) -> str:
    """A statement on a view's tables, whose names cannot be bound as parameters."""
    return statement.format(live=view.name, fresh=fresh(view), columns=", ".join(WRITTEN))


async def drop_fresh(connection: asyncpg.Connection, view: View) -> None:
    """Drop the fresh table, if there is one."""
    await connection.execute(sql(SQL["drop_fresh"], view))


async def lock(connection: asyncpg.Connection, view: View) -> list[Head]:
    """Lock the heads and the view in the order of the appends, so that neither waits for the other.

    Appends lock views under the head.
    """
    ends = [Head(*row) for row in await connection.fetch(SQL["lock_heads"])]
    await connection.execute(sql(SQL["lock_view"], view))
    return ends


async def replace(connection: asyncpg.Connection, view: View) -> None:
    """Put the fresh table in the place of the live one. Raises ViewDependedOn."""
    await require_independence(connection, view)
    renames = await connection.fetch(SQL["renames"], view.name, fresh(view))
    await connection.execute(sql(SQL["replace"], view))
    for row in renames:
        await connection.execute(row["statement"])


async def make_fresh(connection: asyncpg.Connection, view: View) -> None:
    """Make an empty copy of a view's table, with its indexes, owner, parameters and grants."""
    async with connection.transaction():
        await drop_fresh(connection, view)
        await connection.execute(sql(SQL["make_fresh"], view))
        statements = await connection.fetch(SQL["ungranted"], fresh(view))
        for left_out in ("parameters", "grants", "identity", "owner"):
            statements += await connection.fetch(SQL[left_out], view.name, fresh(view))
        for row in statements:
            await connection.execute(row["statement"])
