"""Which versions of each view are kept, and which one is live.

Workers of two releases run at once on two versions of a view. Each appends to its own, and leaves
word for the other, whose workers fold those streams before they read (`app/rebuild/in_step.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import NoReturn, TypeAlias

import asyncpg

from app.database.errors import StoreDown
from app.database.sql import blocks
from projections import catalog
from projections.view import View

SQL = blocks(__file__)
_LOOK_S = 1.0
_HALTED_LOOK_S = 0.1
"""Seconds between two looks: when a version goes live, nobody new serves for as long."""
_FRESH_S = 2.5
"""A worker that has not looked for so long reads as if another version were kept beside its own."""
_NOTICED_S = 4.0
"""Nobody serves with a new version before all workers with the former one know of it."""
_FAR = 1_000
"""A worker does not serve while its version lacks events of so many streams.

Nor does it begin to while a history of its own lacks so many events."""
Ask: TypeAlias = Callable[[str], Awaitable[Sequence[asyncpg.Record]]]
"""Runs one statement that reads."""
AskWith: TypeAlias = Callable[..., Awaitable[Sequence[asyncpg.Record]]]
"""The same, with arguments."""


async def kept(ask: Ask) -> Mapping[str, Mapping[int, bool]]:
    """For each view the versions that are kept, and whether each is the live one."""
    found: dict[str, dict[int, bool]] = {}
    for row in await ask(SQL["kept"]):
        found.setdefault(row["view"], {})[row["version"]] = row["is_live"]
    return {view.projection: found.get(view.projection, {1: True}) for view in catalog.VIEWS}


async def awaited(ask: Ask) -> list[View]:
    """The views of which this release has a later version than any that is kept."""
    found = await kept(ask)
    return [view for view in catalog.VIEWS if _is_awaited(view, found[view.projection])]


async def why_halted(ask: Ask) -> str | None:
    """Why this release can neither read nor write the views, in words; None when it can."""
    found = await kept(ask)
    for view in catalog.VIEWS:
        versions = found[view.projection]
        if _is_awaited(view, versions):
            return f"version {view.version} of {view.projection} is not live yet"
        if view.version not in versions:
            live = next(version for version, is_live in versions.items() if is_live)
            return f"version {live} of {view.projection} is live: this release has a former one"
    return None


def _is_awaited(view: View, versions: Mapping[int, bool]) -> bool:
    live = next(version for version, is_live in versions.items() if is_live)
    return view.version not in versions and view.version > live


class Versions:
    """What a worker knows of it."""

    def __init__(self, ask: AskWith) -> None:
        """`ask`: raises StoreDown when the database is away."""
        self._ask = ask
        self.halted: str | None = None
        """Why this release can neither read nor write the views; None while it can."""
        self._in_step = asyncio.Event()
        self.beside = False
        """Whether others may append to another version of a view."""
        self.known_until = 0.0
        """On the monotonic clock: later than that, another version may have come up meanwhile."""
        self._apart: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Find out. Raises StoreDown."""
        began = monotonic()
        names = [view.name for view in catalog.VIEWS]
        halted = await why_halted(self._ask)
        if halted is None:
            (found,) = await self._ask(SQL["state"], names, _NOTICED_S, _FAR)
            behind = await self._ask(SQL["far_behind"], names, _FAR)
            self.beside = found["beside"]
            self._apart = frozenset(found["apart"])
            halted = self._why_not_yet(found, [row["name"] for row in behind])
        self.halted, self.known_until = halted, began + _FRESH_S
        if halted is None:
            self._in_step.set()

    def _why_not_yet(self, found: asyncpg.Record, behind: Sequence[str]) -> str | None:
        if behind:
            return f"{behind[0]} is behind the log, and is caught up"
        if self.beside and found["fresh"]:
            return f"{found['fresh'][0]} went live this moment"
        # (Once it serves, only lists of the past wait for their histories.)
        if found["unfollowed"] and not self._in_step.is_set():
            return f"the history of {found['unfollowed'][0]} is not as far as the log"
        return None

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

    async def when_apart(self, view: View, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Follow the history of a view alone, once its versions are followed one by one.

        That of a later version is followed from the first moment on, for it to be there in time.
        """
        while view.version == 1 and view.name not in self._apart:
            await asyncio.sleep(_LOOK_S)
        await work()


async def go_live(connection: asyncpg.Connection, view: View) -> None:
    """Make the version of a view that this release has the live one; the others are kept."""
    await connection.execute(SQL["go_live"], view.projection, view.version)


async def drop_others(connection: asyncpg.Connection, view: View) -> list[str]:
    """Drop all versions of a view but the live one; returns their names."""
    dropped: list[str] = await connection.fetchval(SQL["drop_others"], view.projection)
    return dropped


async def restore(connection: asyncpg.Connection, view: View) -> None:
    """Give the empty tables of a version that was dropped their names back."""
    await connection.execute(SQL["restore"], view.name)
