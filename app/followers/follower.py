"""Follows the log: one worker at a time takes up its events in order, in batches.

A follower gives its own part as a `Work`; everything else that all followers need is here: the
lease, the checkpoint, the pauses. A batch and its checkpoint are written in one statement, which
refuses a batch of a follower that has lost its lease or has been overtaken. So nothing is lost or
doubled, whoever follows at the same time, and wherever one is killed.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic, perf_counter
from typing import Any, Generic, NoReturn, Protocol, TypeVar

import asyncpg
from msgspec import Struct

from app.database.errors import StoreDown
from app.database.pool import TRANSIENT, Pool
from app.database.sql import blocks
from app.database.uuids import new_uuid
from app.followers.pace import Pace
from app.log.audited import AuditedEvent, read_on
from app.log.keyring import Keyring

SQL = blocks(__file__)
_LOG = logging.getLogger("sessionary")
BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024 * 1024
LEASE_S = 3.0
"""Another worker takes over when the one that follows was not heard of for so long."""
_RENEWED_S = 1.0
_IDLE_S = 0.05
"""Seconds between two looks at the heads of a log that does not grow."""
_TROUBLE_S = 1.0
_TURN_BATCHES = 20
"""Batches of one partition, before the others have their turn."""

B = TypeVar("B")


class Place(Struct, frozen=True):
    """A partition: its end, and the position up to which a follower is done."""

    partition: int
    head: int
    reached: int


class Work(Protocol[B]):
    """What one follower does with the events."""

    name: str
    """Of its checkpoint; its lease is called `follow_` and this."""

    async def prepare(
        self, partition: int, after: int, events: Sequence[AuditedEvent]
    ) -> tuple[B, int]:
        """A batch of some of the events, and the position of the last of these.

        All earlier batches are written. Raises StoreDown.
        """

    async def write(self, partition: int, after: int, upto: int, batch: B, token: int) -> bool:
        """Write a batch and the checkpoint; false if another follower has moved it.

        Raises StoreDown, after which it may be written.
        """

    def forget(self) -> None:
        """Forget what earlier batches left in memory: others write now."""


class Follower(Generic[B]):
    """One worker's try to follow the log for all."""

    def __init__(self, pool: Pool, keyring: Keyring, work: Work[B], pace: Pace) -> None:
        """Follows on request."""
        self._pool = pool
        self._keyring = keyring
        self._work = work
        self._pace = pace
        self._lease = f"follow_{work.name}"
        self._holder = new_uuid()
        self._token: int | None = None
        self._renewed = 0.0

    async def keep_following(self) -> NoReturn:
        """Follow until cancelled, whatever happens to the database."""
        try:
            while True:
                await asyncio.sleep(await self._try_round())
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Let another worker follow at once."""
        if self._token is not None:
            self._token = None
            with suppress(asyncpg.PostgresError, *TRANSIENT):  # then it waits a few seconds
                await self._pool.fetch(SQL["give_up"], self._lease, self._holder, timeout_s=0.5)

    async def _try_round(self) -> float:
        """Take up what there is; the seconds until the next look."""
        try:
            if not await self._has_lease():
                return _RENEWED_S
            return 0.0 if await self.round() else _IDLE_S
        except StoreDown as error:
            _LOG.warning("%s waits for the database: %s", self._lease, error)
        except Exception:
            # Whatever the error is: giving up would leave all later events out for good.
            _LOG.exception("%s has failed and tries again", self._lease)
        self._work.forget()
        return _TROUBLE_S

    async def round(self) -> int:
        """Take up some batches of each partition; the number of events. Raises StoreDown."""
        if not await self._has_lease():
            return 0
        done = 0
        for row in await self._pool.ask(SQL["places"], self._work.name):
            place = Place(*row)
            if place.reached < place.head:
                done += await self._take_up(place)
        return done

    async def _take_up(self, place: Place) -> int:
        partition, after = place.partition, place.reached
        events = await self._read(partition, after, place.head)
        for _ in range(_TURN_BATCHES):
            if not events or not await self._has_lease():
                break
            batch, upto = await self._work.prepare(partition, after, events)
            # The next events are read while PostgreSQL writes these.
            reading = asyncio.ensure_future(self._read(partition, upto, place.head))
            try:
                if not await self._write(partition, after, upto, batch):
                    break
                after, events = upto, await reading
            finally:
                reading.cancel()
        return after - place.reached

    async def _write(self, partition: int, after: int, upto: int, batch: B) -> bool:
        assert self._token is not None  # as long as there is a lease
        started = perf_counter()
        if await self._work.write(partition, after, upto, batch, self._token):
            await self._pace.spent(perf_counter() - started)
            return True
        self._token = None
        self._work.forget()
        return False

    async def _read(self, partition: int, after: int, head: int) -> list[AuditedEvent]:
        if after >= head:
            return []
        slices = await read_on(
            self._pool, self._keyring, partition,
            after=after, until=head, most=BATCH_EVENTS, most_bytes=BATCH_BYTES,
        )  # fmt: skip
        return [event async for each in self._pace.each(slices) for event in each]

    async def _has_lease(self) -> bool:
        now = monotonic()
        if self._token is not None and now - self._renewed < _RENEWED_S:
            return True
        known: list[Any] = [self._lease, self._holder]
        if (await self._pool.ask(SQL["is_taken"], *known))[0]["is_taken"]:
            held = None
        else:
            rows = await self._pool.ask(SQL["lease"], *known, LEASE_S, writes=True)
            held = rows[0]["token"] if rows else None
        if held != self._token:
            self._work.forget()
        self._token, self._renewed = held, now
        return held is not None
