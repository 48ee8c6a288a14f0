"""The operator process: carries out what is recorded, one by one, with the owner's login.

The service's login records what is asked for, and can do no more. How far a rebuild is, and what
came of it, is in the tables that a rebuild keeps anyway. So another operator process goes on where
one was killed, and the service shows it all.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn
from uuid import UUID

import asyncpg
from msgspec import Struct

from app.database.embedded import EmbeddedUnavailable, ensure_running
from app.database.errors import TRANSIENT
from app.database.sql import blocks
from app.history.streams import Progress
from app.log.keyring import Keyring
from app.maintenance.keys import keyring_of
from app.maintenance.own_session import require_own_session
from app.maintenance.store import (
    Connection,
    DataLocation,
    NotReachable,
    SchemaPermission,
    connected,
    prepare,
)
from app.rebuild import refills, runs, wishes
from app.rebuild.rebuild import Options, Rebuilt, named, rebuild
from app.rebuild.refills import Refill
from app.rebuild.runs import Overtaken, RebuildStopped
from app.rebuild.stopping import settle_cancelled
from app.rebuild.swap import RebuildUnderWay, alone, go_back
from app.rebuild.wishes import Wish

SQL = blocks(__file__)
CHANNEL = "sessionary_rebuild"
LOOK_S = 5.0
"""Seconds between two looks at what is recorded; a notification comes before that."""
_OFFICE_S = 1.0
"""Seconds between two tries to take over from another process."""
_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds to wait for a database that is away, try after try."""
_LAST_WORD_S = 2.0
_AWAY: tuple[type[BaseException], ...] = (NotReachable, *TRANSIENT, asyncpg.InterfaceError)
_COMMANDS = {
    "back": "projections back", "refill": "rebuild", "redrive": "projections redrive",
}  # fmt: skip
_LOG = logging.getLogger("sessionary.operator")


Record = Callable[[Connection, str, bool], Awaitable[None]]
"""Puts on record what was done: to what, and whether it went well."""


class Manner(Struct, frozen=True):
    """How all of it is carried out."""

    jobs: int
    progress: Callable[[str, Callable[[], str]], Progress]
    """Makes what tells of progress: from a title, and the positions that it stands for."""
    recorder: Callable[[str], Record]
    """Begins what puts a command on record at its end, by its name."""
    refill: Refill
    redrive: Callable[[Connection, str, UUID | None], Awaitable[tuple[int, int]]]
    """Lets a follower try a stream again, or all that wait: how many, and how many wait then."""


async def operate(url: str, where: DataLocation, manner: Manner) -> NoReturn:
    """Carry out what is recorded until cancelled, however often the database goes away.

    Raises NotReachable if it never was there, SchemaError, WrongMasterKey, or UnusableDatabase
    behind a pooler.
    """
    await prepare(url, where, SchemaPermission.LOOK)
    failures = 0
    while True:
        try:
            if failures:
                await prepare(url, where, SchemaPermission.LOOK)
            async with connected(url, where.statement_cache) as store:
                await require_own_session(store)
                office = _Office(store, lambda store: keyring_of(store, where), manner)
                failures = 0
                await office.hold()
        except _AWAY as error:
            words = runs.in_words(error)
            if failures == 0:
                _LOG.warning("The database does not answer: %s", words)
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
            failures += 1
            await _bring_back(where)


async def _bring_back(where: DataLocation) -> None:
    if where.embedded:
        try:
            await asyncio.to_thread(ensure_running, where.data_dir)
        except EmbeddedUnavailable as error:
            _LOG.error("The embedded PostgreSQL cannot be brought back: %s", error)


class _Office:
    """One process at a time carries out rebuilds: the one that holds the lock."""

    def __init__(
        self,
        store: Connection,
        keyring: Callable[[Connection], Awaitable[Keyring]],
        manner: Manner,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._manner = manner
        self._called = asyncio.Event()

    async def hold(self) -> NoReturn:
        """Take the office, and carry out what there is. Raises the database's own errors."""
        raw = self._store.raw
        await raw.add_listener(CHANNEL, lambda *_: self._called.set())
        raw.add_termination_listener(lambda *_: self._called.set())
        if not await self._take():
            _LOG.info("Another operator process works: this one takes over when it ends")
            while not await self._take():
                await asyncio.sleep(_OFFICE_S)
        _LOG.info("Carrying out the rebuilds that are asked for")
        while True:
            self._called.clear()
            wish = await wishes.next_wish(raw)
            if wish is None or not await self._carry_out(wish):
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._called.wait()

    async def _take(self) -> bool:
        return bool(await self._store.raw.fetchval(SQL["take_office"]))

    async def _carry_out(self, wish: Wish) -> bool:
        """Carry a rebuild out; False if it has to wait. Raises an error of a lost connection."""
        try:
            await self._do(wish)
        except RebuildUnderWay:
            return False
        except (RebuildStopped, Overtaken) as stopped:
            _LOG.info("Rebuild %s: %s", wish.id, stopped)
        except Exception as error:
            if self._store.raw.is_closed():
                raise
            _LOG.exception("Rebuild %s has failed", wish.id)
            await runs.end(self._store.raw, wish.id, "failed", failure=error)
        except BaseException:
            with suppress(Exception):
                async with asyncio.timeout(_LAST_WORD_S):
                    await wishes.interrupted(self._store.raw, wish.id)
            _LOG.info("Rebuild %s is broken off: the next operator process goes on", wish.id)
            raise
        return True

    async def _do(self, wish: Wish) -> None:
        if wish.is_to_end:
            await self._end(wish)
        elif wish.kind == "rebuild":
            await self._rebuild(wish)
        elif wish.kind == "refill":
            await self._refill(wish)
        elif await wishes.start(self._store.raw, wish.id):
            failure = await self._each(wish)
            await wishes.finish(
                self._store.raw, wish.id, "live" if failure is None else "failed", failure
            )
            _LOG.info("%s %s: %s", wish.kind, wish.id, failure or "done")

    async def _end(self, wish: Wish) -> None:
        if wish.kind in ("rebuild", "refill"):
            async with alone(self._store):
                await settle_cancelled(self._store, wish.id)
        else:
            await wishes.finish(self._store.raw, wish.id, "cancelled")
        _LOG.info("Rebuild %s is cancelled", wish.id)

    async def _each(self, wish: Wish) -> str | None:
        """Carry out ways back and redrives, name by name; what is wrong afterwards, in words."""
        _LOG.info("%s %s of %s begins", wish.kind, wish.id, ", ".join(wish.views))
        record = self._manner.recorder(_COMMANDS[wish.kind])
        failures = []
        for name in wish.views:
            if name in wish.done:
                continue
            await wishes.progress(self._store.raw, wish.id, name)
            if wish.kind == "back":
                await self._go_back(wish, name)
            else:
                asked, left = await self._manner.redrive(self._store, name, wish.stream)
                failures += [f"{name}: {left} of {asked} streams still wait"] if left else []
        await record(self._store, ", ".join(wish.views), not failures)
        return "; ".join(failures) or None

    async def _refill(self, wish: Wish) -> None:
        names = ", ".join(wish.views)
        _LOG.info("refill %s of %s begins", wish.id, names)
        record = self._manner.recorder(_COMMANDS["refill"])
        await refills.carry_out(self._store, wish.views, self._manner.refill, wish.id)
        await record(self._store, names, True)
        _LOG.info("refill %s: done", wish.id)

    async def _go_back(self, wish: Wish, name: str) -> None:
        async def also(events: int) -> None:
            # In the swap's own transaction: done twice, it would bring the later table again.
            await wishes.part_done(self._store.raw, wish.id, name, events)

        (view,) = named([name])
        await go_back(self._store, await self._keyring(self._store), view, also)

    async def _rebuild(self, wish: Wish) -> None:
        views = named(wish.views)
        keyring = await self._keyring(self._store)
        at = ""

        def stand_for(positions: str) -> None:
            nonlocal at
            at = positions

        options = Options(
            jobs=self._manner.jobs,
            dry_run=wish.dry_run,
            wish=wish.id,
            tell=lambda said: _LOG.info("Rebuild %s: %s", wish.id, said),
            stand_for=stand_for,
        )
        names = ", ".join(wish.views)
        _LOG.info("Rebuild %s of %s begins", wish.id, names)
        progress = self._manner.progress(f"Rebuild {wish.id}", lambda: at)
        record = self._manner.recorder("rebuild --dry-run" if wish.dry_run else "rebuild")
        done = await rebuild(self._store, keyring, views, progress, options)
        await record(self._store, names, not done.damaged)
        _tell(wish, done)


def _tell(wish: Wish, done: Rebuilt) -> None:
    state = "is compared" if wish.dry_run else "is live"
    for name, rows in sorted(done.rows.items()):
        wrong = done.mended[name]
        _LOG.info("Rebuild %s of %s %s: %d rows, %d were wrong", wish.id, name, state, rows, wrong)
    for each in done.damaged:
        _LOG.warning("Rebuild %s: cannot be rebuilt, and keeps its row: %s", wish.id, each)
