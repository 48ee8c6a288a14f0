"""Makes a follower's tables anew beside those in use, then swaps them in.

The follower itself fills them, from the log's first event: in a schema with tables and functions of
the same names, where it has a place and a lease of its own. So readers have the tables in use until
the last moment, and a killed process leaves nothing but that schema: the next one goes on there.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from types import ModuleType
from typing import Any

import asyncpg
from msgspec.structs import replace

from app.database import distribution
from app.database.pool import Fetch
from app.database.sql import blocks
from app.followers import activity, history, people, reset
from app.followers.follower import Follower
from app.followers.names import is_own, version_of
from app.history.streams import Progress
from app.log.log import Log, open_log
from app.maintenance.store import Connection
from app.rebuild.refills import SCHEMA, Advance, drop_schema
from app.rebuild.runs import Done, RebuildStopped
from app.rebuild.swap import LOCK_WAITS_MS, PAUSE_S
from app.rebuild.tables import SQL as TABLES
from app.settings import Settings
from projections.catalog import VIEWS

SQL = {name: text.replace("{schema}", SCHEMA) for name, text in blocks(__file__).items()}
NEAR_EVENTS = 500
"""So few events behind the log, the new tables are swapped in; the follower takes up the rest."""
STUCK_S = 120.0
"""Seconds without a further event, after which it is given up."""
_PLACES = ("follower_checkpoint", "quarantine", "lease")
_OWN: Mapping[str, ModuleType] = {each.NAME: each for each in (history, activity, people)}


class RefillFailed(Exception):
    """A follower's tables could not be made anew, and are as they were; the message says why."""


async def refill(
    store: Connection,
    settings: Settings,
    name: str,
    advance: Advance,
    tell: Callable[[str], None] = lambda _: None,
) -> bool:
    """Make a follower's tables anew; needs `alone`. Whether they were swapped in at the end.

    The tables of the tree, of a projection of the library, and of a log that is distributed over
    nodes, are emptied instead, and whoever follows fills them.
    `advance`: gets how far it is; if it raises RebuildStopped, what was done is kept for a pause,
    and else dropped. `tell`: gets a sentence if it goes on where another one had stopped. Raises
    UnknownFollower, RefillFailed, StoreDown, or the database's own errors.
    """
    await reset.require(store, name)
    if not is_own(name) or await distribution.is_distributed(store.ask):
        await reset.reset(store, name)
        return False
    tables = await reset.tables(store, name)
    await _make(store.raw, name, tables)
    if (reached := await store.raw.fetchval(SQL["reached"], name)) is not None:
        tell(f"resumed at position {reached}")
    try:
        await _fill(settings, name, advance)
        # (Where followers of single views write, what they wrote stays.)
        shared = [history.REACH] if await _are_apart(store) else []
        while not await _swap(store.raw, name, [each for each in tables if each not in shared]):
            await _fill(settings, name, advance)
    except RebuildStopped as stopped:
        if stopped.asked == "cancel":
            await drop_schema(store.raw)
        raise
    except RefillFailed:
        await drop_schema(store.raw)
        raise
    await drop_schema(store.raw)
    return True


async def refill_shown(
    store: Connection,
    settings: Settings,
    name: str,
    advance: Advance,
    progress: Callable[[str, Callable[[], str]], AbstractContextManager[Progress]],
    tell: Callable[[str], None],
) -> bool:
    """As `refill`; `progress` makes what shows how far it is, and at which positions."""
    at = ""
    with progress(f"Rebuilding {name}", lambda: at) as show:

        async def shown(places: Sequence[Done]) -> None:
            nonlocal at
            at = ", ".join(f"{each.partition}:{each.events}" for each in places)
            show(sum(each.events for each in places), sum(each.until for each in places))
            await advance(places)

        return await refill(store, settings, name, shown, tell)


async def _are_apart(store: Connection) -> bool:
    return len(await history.kept(store)) < len(VIEWS)


async def _make(connection: asyncpg.Connection, name: str, tables: Sequence[str]) -> None:
    """Make the schema, unless a killed process has left just this one."""
    what = f"{name} {version('sessionary')}"
    if await connection.fetchval(SQL["begun"], what):
        return
    await drop_schema(connection)
    async with connection.transaction():
        await connection.execute(SQL["make"])
        for row in await connection.fetch(SQL["functions"]):
            await connection.execute(row["statement"])
        await connection.execute(SQL["look_there_for_now"])
        for table in (*tables, *_PLACES):
            await connection.execute(SQL["table"].format(table=table))
        for table in tables:
            rows = await connection.fetch(TABLES["ungranted"], table)
            for left_out in ("parameters", "grants", "identity", "owner"):
                rows += await connection.fetch(TABLES[left_out], f"public.{table}", table)
            for row in rows:
                await connection.execute(row["statement"])
        await connection.execute(await connection.fetchval(SQL["marked"], what))


async def _fill(settings: Settings, name: str, advance: Advance) -> None:
    """Let the follower take up the log there."""

    async def look_there(fetch: Fetch) -> None:
        await fetch(SQL["look_there"])

    # (By the owner's login, which alone may write there.)
    log = await open_log(replace(settings, database_role=None), look_there)
    follower = _follower(name, log)
    least, since = await follower.behind(), time.monotonic()
    try:
        while True:
            pause_s = await follower.try_round()
            places = await follower.places()
            await advance([Done(each.partition, each.head, each.reached) for each in places])
            left = sum(place.head - place.reached for place in places)
            if left <= NEAR_EVENTS:
                return
            if left < least:
                least, since = left, time.monotonic()
            elif time.monotonic() - since > STUCK_S:
                raise RefillFailed(f"{name} takes up no further events: the log says why")
            await asyncio.sleep(pause_s)
    finally:
        await follower.stop()
        await log.pool.close()


def _follower(name: str, log: Log) -> Follower[Any, Any]:
    """Raises RefillFailed."""
    if (version := version_of(name)) is None:
        found: Follower[Any, Any] = _OWN[name].follower(log, 1.0)
        return found
    for view in VIEWS:
        if view.name == version:
            return history.follower(log, 1.0, view)
    raise RefillFailed(f"{name} is made by the release that has {version}")


async def _swap(connection: asyncpg.Connection, name: str, tables: Sequence[str]) -> bool:
    """Put the tables in their places, all at once; false if they hold what was erased meanwhile.

    Raises RefillFailed.
    """
    listed = ", ".join(f"public.{table}" for table in tables)
    for wait_ms in LOCK_WAITS_MS:
        try:
            async with connection.transaction():
                await connection.execute(SQL["lock_timeout"].format(wait_ms=wait_ms))
                await connection.execute(SQL["lock"], name)
                await connection.execute(SQL["lock_place"], name)
                if await connection.fetchval(SQL["erased_since"], name):
                    return False
                await connection.execute(SQL["lock_tables"].format(tables=listed))
                for table in tables:
                    await connection.execute(SQL["replace"].format(table=table))
                for step in ("place", "let_out", "keep", "take_lease"):
                    await connection.execute(SQL[step], name)
            return True
        except asyncpg.DependentObjectsStillExistError as error:
            raise RefillFailed(f"Others depend on its tables: {error.detail}") from error
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE_S)
    raise RefillFailed(f"The tables of {name} are in use by a long transaction")
