"""Which version of each view is live: that of this release, an earlier one, or a later one.

While a later version is built, workers of this release go on. When it goes live, the tables of the
version before lose their names, in one transaction with everything else.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import asyncpg

from app.database.sql import blocks
from projections import catalog
from projections.view import View

SQL = blocks(__file__)
Ask: TypeAlias = Callable[[str], Awaitable[Sequence[asyncpg.Record]]]
"""Runs one statement that reads."""


async def live(ask: Ask) -> Mapping[str, int]:
    """The version of each view that is live."""
    found = {row["view"]: row["version"] for row in await ask(SQL["live"])}
    return {view.projection: found.get(view.projection, 1) for view in catalog.VIEWS}


async def awaited(ask: Ask) -> list[View]:
    """The views of which this release has a later version than the live one."""
    found = await live(ask)
    return [view for view in catalog.VIEWS if found[view.projection] < view.version]


async def why_halted(ask: Ask) -> str | None:
    """Why this release can neither read nor write the views, in words; None when it can."""
    found = await live(ask)
    for view in catalog.VIEWS:
        version = found[view.projection]
        if version < view.version:
            return f"version {view.version} of {view.projection} is not live yet"
        if version > view.version:
            return f"version {version} of {view.projection} is live: this release has a former one"
    return None


async def go_live(connection: asyncpg.Connection, view: View) -> None:
    """Make the version of a view that this release has the live one."""
    histories = [each.history for each in catalog.VIEWS]
    values = (view.projection, view.version, view.former_names, histories)
    await connection.execute(SQL["go_live"], *values)
