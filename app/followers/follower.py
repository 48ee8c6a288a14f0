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
LEASE_S = 5.0
"""Another worker takes over when the one that follows was not heard of for so long."""
_RENEWED_S = 1.5
_IDLE_S = 0.1
"""Seconds between two looks at the heads of a log that does not grow, or only slowly."""
_TROUBLE_S = 1.0
_TURN_BATCHES = 20
"""Batches of one partition, before the others have their turn."""

B = TypeVar("B")


class Place(Struct, frozen=True):
    """A partition: its end, and the position up to which a follower is done."""

    partition: int
    head: int
    reached: int


class _Prepared(Struct, Generic[B], frozen=True):
    """A batch, and the position of its last event."""

    batch: B
    upto: int
    first: AuditedEvent


class _Refused(Exception):
    """PostgreSQL refuses to hold what a batch writes."""

    def __init__(self, first: AuditedEvent, why: Exception) -> None:
        """`first`: event of the batch."""
        super().__init__(str(why))
        self.first = first
        self.why = why


class Work(Protocol[B]):
    """What one follower does with the events."""

    name: str
    """Of its checkpoint; its lease is called `follow_` and this."""

    async def prepare(self, partition: int, events: Sequence[AuditedEvent]) -> tuple[B, int]:
        """A batch of the first events, one or more, and the position of the last of these.

        The batch before it may not be written yet. Raises StoreDown.
        """

    async def write(self, partition: int, after: int, upto: int, batch: B, token: int) -> bool:
        """Write a batch and the checkpoint; false if another follower has moved it.

        All earlier batches are written. False, too, if the log has not the batch's last event, as
        after a restore. Raises StoreDown, after which this one may be written, too.
        """

    async def start_over(self, token: int) -> None:
        """Begin anew: the checkpoint is beyond the log, and so of another one. Raises StoreDown."""

    def leave_out(self, event: AuditedEvent, why: Exception) -> None:
        """Leave out whatever of an event the database refuses to hold."""

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
        self._singly = 0
        """So many further events are taken up one by one: one of them was refused."""

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
            # (A few events wait for more: a batch costs five statements, however small it is.)
            return 0.0 if await self.round() >= BATCH_EVENTS else _IDLE_S
        except StoreDown as error:
            _LOG.warning("%s waits for the database: %s", self._lease, error)
        except _Refused as refused:
            if self._singly:
                self._work.leave_out(refused.first, refused.why)
            self._singly = BATCH_EVENTS
            self._work.forget()
            return 0.0
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
            if place.reached > place.head and self._token is not None:
                self._work.forget()
                await self._work.start_over(self._token)
            elif place.reached < place.head:
                done += await self._take_up(place)
        return done

    async def _take_up(self, place: Place) -> int:
        partition, after = place.partition, place.reached
        prepared = await self._prepare(partition, after, place.head)
        for _ in range(_TURN_BATCHES):
            if prepared is None or not await self._has_lease():
                break
            # The next batch is prepared while PostgreSQL writes this one.
            preparing = asyncio.ensure_future(self._prepare(partition, prepared.upto, place.head))
            try:
                if not await self._write(partition, after, prepared):
                    break
                after, prepared = prepared.upto, await preparing
            finally:
                preparing.cancel()
                await asyncio.gather(preparing, return_exceptions=True)
        return after - place.reached

    async def _prepare(self, partition: int, after: int, head: int) -> _Prepared[B] | None:
        events = await self._read(partition, after, head)
        if not events:
            return None
        return _Prepared(*await self._work.prepare(partition, events), events[0])

    async def _write(self, partition: int, after: int, prepared: _Prepared[B]) -> bool:
        assert self._token is not None  # as long as there is a lease
        started = perf_counter()
        batch, upto = prepared.batch, prepared.upto
        try:
            done = await self._work.write(partition, after, upto, batch, self._token)
        except asyncpg.PostgresError as error:
            raise _Refused(prepared.first, error) from error
        if done:
            self._singly = max(0, self._singly - (upto - after))
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
            after=after, until=head, most=1 if self._singly else BATCH_EVENTS,
            most_bytes=BATCH_BYTES,
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
