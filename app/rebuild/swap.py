"""The moment when a table becomes the live one: the fresh one of a rebuild, or the former one."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg

from app.database import versions
from app.database.sql import blocks
from app.log.keyring import Keyring
from app.log.read import Head, heads
from app.maintenance.own_session import require_own_session
from app.maintenance.store import Connection
from app.rebuild import runs, tables
from app.rebuild.catch_up import CatchUp, Positions, positions
from app.rebuild.dependants import require_independence, require_none
from projections.view import View

SQL = blocks(__file__)
LOCK_WAITS_MS = (100, 200, 400, 800, 1_600, 1_600, 1_600)
"""How long each try of a swap waits for its locks, and live traffic for the try.

The last waits are longer than `deadlock_timeout`, after which PostgreSQL ends an autovacuum that is
in the way.
"""
PAUSE_S = 0.5
"""Seconds between two tries."""
TAKEN_OVER_S = 5.0
"""How long the lock is waited for, since PostgreSQL takes a while to notice a killed holder."""
_LOOK_S = 0.02
_CAUGHT_UP_S = 10.0
"""For workers with a version to catch it up: they do it all the time."""
_CAUGHT_UP_LOOK_S = 0.1
Also = Callable[[int], Awaitable[None]]
"""Something done in the transaction of a swap."""


class RebuildUnderWay(Exception):
    """Another rebuild, a verification or a backup is working on the views."""

    def __init__(self) -> None:
        """The message is for the operator who started the second one."""
        super().__init__(
            "another rebuild is under way, or a verification or backup: try again later"
        )


class ViewInUse(Exception):
    """A transaction held a view's table for so long that the table could not be swapped."""

    def __init__(self, name: str) -> None:
        """`name`: the view's."""
        self.name = name
        super().__init__(f"{name} is in use by a long transaction: it was not swapped")


@asynccontextmanager
async def alone(store: Connection, patience_s: float | None = None) -> AsyncIterator[None]:
    """Hold the lock of those who work on the views. Raises RebuildUnderWay, or UnusableDatabase.

    `patience_s`: how long to wait for it; None: TAKEN_OVER_S.
    """
    await require_own_session(store)
    with suppress(asyncpg.InvalidParameterValueError):  # a server whose system cannot tell
        await store.raw.execute(SQL["notice_death"])
    end = time.monotonic() + (TAKEN_OVER_S if patience_s is None else patience_s)
    while not await store.raw.fetchval(SQL["begin"]):
        if time.monotonic() >= end:
            raise RebuildUnderWay
        await asyncio.sleep(_LOOK_S)
    try:
        yield
    finally:
        if not store.raw.is_closed():
            await store.raw.execute(SQL["end"])


async def swap(
    store: Connection, fresh: CatchUp, view: View, reached: Positions, also: Also | None = None
) -> int:
    """Swap one view in; returns the number of events in the log at that moment.

    `also`: is done in the same transaction, and gets that number. Each transaction swaps one view,
    so that a reader who holds one and waits for another can pass. Raises ViewInUse, or
    ViewDependedOn.
    """
    connection = store.raw
    for wait_ms in LOCK_WAITS_MS:
        reached = await fresh.in_rounds({view.name}, reached)
        rows = fresh.rows[view.name]
        try:
            async with connection.transaction():
                await connection.execute(SQL["lock_timeout"].format(wait_ms=wait_ms))
                ends = await tables.lock(connection, view)
                await fresh.take_up({view.name}, reached, ends)
                await tables.replace(connection, view, ends)
                events = sum(end.position for end in ends)
                if also is not None:
                    await also(events)
            return events
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            fresh.rows[view.name] = rows
            await asyncio.sleep(PAUSE_S)
    raise ViewInUse(view.name)


async def go_back(store: Connection, keyring: Keyring, view: View, also: Also | None = None) -> int:
    """Swap a view's former table in, caught up; returns the log's events at that moment.

    `also`: as for `swap`. The one that was live is the former one then: going back twice changes
    nothing. Without a former table, a version of the view that is kept becomes the live one. Raises
    NoWayBack, RebuildUnderWay, ViewDependedOn, or ViewInUse.
    """
    connection = store.raw
    await require_independence(connection, view)
    async with alone(store):
        if not await tables.kept(connection, view) and (other := await _other(store, view)):
            return await _switch(store, view, other, also)
        await runs.forget(connection)  # its fresh table's name is needed
        async with connection.transaction():
            kept = positions(await tables.take_former(connection, view))
        try:
            former = CatchUp(store, keyring, {view.name: view}, len(await heads(store)))
            return await swap(store, former, view, kept, also)
        except Exception:
            if not connection.is_closed():
                await tables.put_former_back(connection, view)
            raise


async def _other(store: Connection, view: View) -> int | None:
    """The latest version of a view that is kept and not live."""
    found = (await versions.kept(store.ask))[view.projection]
    return max((version for version, is_live in found.items() if not is_live), default=None)


async def _switch(store: Connection, view: View, version: int, also: Also | None) -> int:
    """Make a version that is kept the live one, once it has all events; returns their number.

    Workers that have it catch it up. Raises NoWayBack if none does.
    """
    name, deadline = view.name_of(version), time.monotonic() + _CAUGHT_UP_S
    while True:
        async with store.raw.transaction():
            ends = [Head(*row) for row in await store.raw.fetch(tables.SQL["lock_heads"])]
            behind = await store.raw.fetchval(SQL["behind"], name)
            if not behind:
                await store.raw.execute(SQL["switch"], view.projection, version)
                events = sum(end.position for end in ends)
                if also is not None:
                    await also(events)
                return events
        if time.monotonic() >= deadline:
            why = f"version {version} lacks events of {behind} streams, and no worker with it runs"
            raise tables.NoWayBack(view.projection, f"{why}: start one of its release first")
        await asyncio.sleep(_CAUGHT_UP_LOOK_S)


async def drop_former(store: Connection, view: View) -> list[str]:
    """Drop what a view could go back to: its former table, or else versions that are not live.

    Returns their names. Raises NoWayBack, RebuildUnderWay, ViewInUse, or ViewDependedOn.
    """
    async with alone(store):
        if await tables.kept(store.raw, view) or not await _other(store, view):
            await tables.drop_former(store.raw, view)
            return [tables.former(view)]
        return await _drop_others(store.raw, view)


async def _drop_others(connection: asyncpg.Connection, view: View) -> list[str]:
    found = (await versions.kept(connection.fetch))[view.projection]
    for version in found:
        if not found[version]:
            await require_none(connection, view.name_of(version))
    for wait_ms in LOCK_WAITS_MS:
        try:
            async with connection.transaction():
                await connection.execute(SQL["lock_timeout"].format(wait_ms=wait_ms))
                return await versions.drop_others(connection, view)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE_S)
    raise ViewInUse(view.projection)
