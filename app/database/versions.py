"""Which version of each view is live: that of this release, an earlier one, or a later one.

While a later version is built, workers of this release go on. When it goes live, the tables of the
version before lose their names, in one transaction with everything else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn, TypeAlias

import asyncpg

from app.database.errors import StoreDown
from app.database.sql import blocks
from projections import catalog
from projections.view import View

SQL = blocks(__file__)
_LOOK_S = 1.0
_HALTED_LOOK_S = 0.1
"""Seconds between two looks: when a version goes live, nobody serves for as long."""
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


class Versions:
    """What a worker knows of it."""

    def __init__(self, ask: Ask) -> None:
        """`ask`: raises StoreDown when the database is away."""
        self._ask = ask
        self.halted: str | None = None
        """Why this release can neither read nor write the views; None while it can."""
        self._in_step = asyncio.Event()

    async def look(self) -> None:
        """Find out. Raises StoreDown."""
        self.halted = await why_halted(self._ask)
        if self.halted is None:
            self._in_step.set()

    async def keep_looking(self) -> NoReturn:
        """Find out again and again."""
        while True:
            with suppress(StoreDown):  # then readiness is red anyway
                await self.look()
            await asyncio.sleep(_HALTED_LOOK_S if self.halted else _LOOK_S)

    async def when_live(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do work on the views, not before this release's versions of them are live."""
        await self._in_step.wait()
        await work()


async def go_live(connection: asyncpg.Connection, view: View) -> None:
    """Make the version of a view that this release has the live one."""
    histories = [each.history for each in catalog.VIEWS]
    values = (view.projection, view.version, view.former_names, histories)
    await connection.execute(SQL["go_live"], *values)
