"""Objects that others made on the table of a view: a rebuild, which swaps tables, breaks them."""

from collections.abc import Sequence

import asyncpg

from app.database.sql import blocks
from projections.view import WRITTEN, View

SQL = blocks(__file__)


class ViewDependedOn(Exception):
    """Others made objects on a view's table that a swap would break or remove."""

    def __init__(self, name: str, dependants: Sequence[str]) -> None:
        """`name`: the view's; `dependants`: the objects, as PostgreSQL describes them."""
        super().__init__(
            f"{name} cannot be swapped, since others depend on its table: {', '.join(dependants)}. "
            "Drop these, rebuild, and make them again"
        )


async def require_independence(connection: asyncpg.Connection, view: View) -> None:
    """Raise ViewDependedOn if anything depends on a view's table and would not carry over."""
    await require_none(connection, view.name)


async def require_none(connection: asyncpg.Connection, name: str) -> None:
    """The same for the table of any version. Raises ViewDependedOn."""
    rows = await connection.fetch(SQL["dependants"], name, WRITTEN)
    if rows:
        raise ViewDependedOn(name, [row["what"] for row in rows])
