"""Refills of followers on record: begun, gone on with, paused, cancelled.

What a refill makes is in a schema of its own, whose comment says of which follower and release that
is. How a follower fills it is not in here.
"""

from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct

from app.database.sql import blocks
from app.maintenance.store import Connection
from app.rebuild import runs, wishes
from app.rebuild.runs import Done, RebuildStopped
from app.rebuild.swap import alone

SCHEMA = "sessionary_refill"
SQL = {name: text.replace("{schema}", SCHEMA) for name, text in blocks(__file__).items()}
Advance = Callable[[Sequence[Done]], Awaitable[None]]
"""Gets how far each partition is taken up; raises RebuildStopped if somebody asked for that."""
Refill = Callable[[Connection, str, Advance], Awaitable[None]]
"""Makes the tables of a follower anew, by its name."""


class _Run(Struct, frozen=True):
    id: UUID
    done: Sequence[str]
    """The followers that were done before it was broken off or paused."""


async def carry_out(
    store: Connection, names: Sequence[str], refill: Refill, wish: UUID | None = None
) -> list[str]:
    """Make the tables of followers anew, one after the other; those that were done before.

    It goes on where one of the same followers was broken off or paused. `wish`: the id of a
    recorded one that this is. Raises RebuildUnderWay, RebuildStopped, or what `refill` raises.
    """
    async with alone(store):
        run = await _begin(store.raw, names, wish)
        try:
            for name in names:
                if name not in run.done:
                    await _refill(store, run.id, name, refill)
        except RebuildStopped as stopped:
            await _stop(store.raw, run.id, stopped)
            raise
        except Exception as error:
            if not store.raw.is_closed():
                await wishes.finish(store.raw, run.id, "failed", runs.in_words(error))
            raise
        await wishes.finish(store.raw, run.id, "live")
        return list(run.done)


async def _begin(connection: asyncpg.Connection, names: Sequence[str], wish: UUID | None) -> _Run:
    """Record that this process works on it; others that were broken off begin anew later."""
    release = version("sessionary")
    async with connection.transaction():
        row = await connection.fetchrow(SQL["resume"], list(names), release, wish)
        if row is None and wish is not None:
            raise RebuildStopped("cancel")
        if row is None:
            row = await connection.fetchrow(SQL["begin"], uuid4(), list(names), release)
        assert row is not None  # it was inserted
        await connection.execute(SQL["forget_others"], row["id"])
        return _Run(row["id"], row["done"])


async def _refill(store: Connection, run: UUID, name: str, refill: Refill) -> None:
    begins = True

    async def advance(places: Sequence[Done]) -> None:
        nonlocal begins
        if begins:
            await store.raw.execute(SQL["begin_part"], run, sum(each.events for each in places))
            begins = False
        columns = zip(*((each.partition, each.until, each.events) for each in places), strict=True)
        await store.raw.execute(SQL["reach"], run, *map(list, columns))
        left = sum(each.until - each.events for each in places)
        await wishes.progress(store.raw, run, f"{name}, {left} events to go")

    await wishes.progress(store.raw, run, name)
    await refill(store, name, advance)
    await wishes.part_done(store.raw, run, name, None)


async def _stop(connection: asyncpg.Connection, run: UUID, stopped: RebuildStopped) -> None:
    if stopped.asked == "cancel":
        await settle_cancelled(connection, run)
    else:
        await wishes.interrupted(connection, run)


async def settle_cancelled(connection: asyncpg.Connection, run: UUID) -> None:
    """Drop what a cancelled one has made, on which nobody works; needs `alone`."""
    await drop_schema(connection)
    await wishes.finish(connection, run, "cancelled")


async def drop_schema(connection: asyncpg.Connection) -> None:
    """Drop what was made and is not swapped in."""
    await connection.execute(SQL["drop_schema"])
