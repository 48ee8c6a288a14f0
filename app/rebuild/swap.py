"""The moment when a table becomes the live one: the fresh one of a rebuild, or the former one."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg

from app.database.sql import blocks
from app.log.keyring import Keyring
from app.log.read import heads
from app.maintenance.store import Connection
from app.rebuild import runs, tables
from app.rebuild.catch_up import CatchUp, Positions, positions
from app.rebuild.dependants import require_independence
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
Also = Callable[[int], Awaitable[None]]
"""Something done in the transaction of a swap."""


class RebuildUnderWay(Exception):
    """Another rebuild or a verification is working on the views."""

    def __init__(self) -> None:
        """The message is for the operator who started the second one."""
        super().__init__("another rebuild is under way, or a verification: try again later")


class ViewInUse(Exception):
    """A transaction held a view's table for so long that the table could not be swapped."""

    def __init__(self, name: str) -> None:
        """`name`: the view's."""
        self.name = name
        super().__init__(f"{name} is in use by a long transaction: it was not swapped")


@asynccontextmanager
async def alone(store: Connection, patience_s: float | None = None) -> AsyncIterator[None]:
    """Hold the lock of those who work on the views. Raises RebuildUnderWay.

    `patience_s`: how long to wait for it; None: TAKEN_OVER_S.
    """
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

    `also`: as for `swap`.
    The one that was live is the former one then: going back twice changes nothing. Raises
    NoWayBack, RebuildUnderWay, ViewDependedOn, or ViewInUse.
    """
    connection = store.raw
    await require_independence(connection, view)
    async with alone(store):
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


async def drop_former(store: Connection, view: View) -> None:
    """Drop a view's former table. Raises NoWayBack, RebuildUnderWay, or ViewDependedOn."""
    async with alone(store):
        await tables.drop_former(store.raw, view)
