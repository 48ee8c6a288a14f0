"""Follows the log: one worker at a time takes up its events in order, in batches.

A follower gives its own part as a `Work`; everything else that all followers need is here: the
lease, the checkpoint, the pauses. A batch and its checkpoint are written in one statement, which
refuses a batch of a follower that has lost its lease or has been overtaken. So nothing is lost or
doubled, whoever follows at the same time, and wherever one is killed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Sequence
from time import monotonic, perf_counter
from typing import Generic, NoReturn, Protocol, TypeVar, cast

import asyncpg
from msgspec import Raw, Struct

from app.database.errors import StoreDown, Superseded
from app.database.lease import Lease
from app.database.pool import Pool
from app.database.sql import blocks
from app.followers import quarantine
from app.followers.pace import Pace
from app.followers.quarantine import Waiting
from app.followers.work import B, E, Read, Work
from app.log.audited import read_versions
from app.log.keyring import Keyring
from app.log.read import LAST_VERSION
from app.telemetry import tracing

SQL = blocks(__file__)
_LOG = logging.getLogger("sessionary")
BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024 * 1024
LEASE_S = 5.0
"""Another worker takes over when the one that follows was not heard of for so long."""
_RENEWED_S = 1.5
IDLE_S = 0.1
"""Seconds between two looks at the heads of a log that does not grow, or only slowly."""
_TROUBLE_S = 1.0
TURN_BATCHES = 20
"""Batches of one partition, before the others have their turn."""

_E = TypeVar("_E", bound=Read, covariant=True)


class Reads(Protocol[_E]):
    """Reads the next events of a partition: by a limit of their number and of their bytes."""

    def __call__(
        self,
        store: Pool,
        keyring: Keyring,
        partition: int,
        *,
        after: int,
        until: int,
        most: int,
        most_bytes: int,
    ) -> Awaitable[Iterator[Sequence[_E]]]:
        """The events in slices, each of some milliseconds. Raises StoreDown."""


class Place(Struct, frozen=True):
    """A partition: its end, and the position up to which a follower is done."""

    partition: int
    head: int
    reached: int


class _Prepared(Struct, Generic[B, E], frozen=True):
    """A batch, and the position of its last event."""

    batch: B
    upto: int
    events: Sequence[E]
    """Those that were read, from its first one on."""


class _Refused(Exception):
    """PostgreSQL refuses to hold what a batch writes."""

    def __init__(self, first: Read, why: Exception) -> None:
        """`first`: event of the batch."""
        super().__init__(str(why))
        self.first = first
        self.why = why


class Follower(Generic[B, E]):
    """One worker's try to follow the log for all."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        work: Work[B, E],
        pace: Pace,
        read: Reads[E],
        *,
        batch: int | None = None,
        idle_s: float = IDLE_S,
        at_once: int | None = None,
    ) -> None:
        """Follows on request.

        `batch`: events, at most; None: BATCH_EVENTS. `idle_s`: seconds between two looks at a log
        that hardly grows; not after a round of `at_once` events (None: a batch).
        """
        self._reads = read
        self._batch = BATCH_EVENTS if batch is None else batch
        self._idle_s = idle_s
        self._at_once = self._batch if at_once is None else at_once
        self._pool = pool
        self._keyring = keyring
        self._work = work
        self._pace = pace
        self._lease = Lease(pool, f"follow_{work.name}", LEASE_S)
        self._token: int | None = None
        self._renewed = 0.0
        self._knows_held = False
        self._singly = 0
        """So many further events are taken up one by one: one of them was refused."""

    async def keep_following(self) -> NoReturn:
        """Follow until cancelled, whatever happens to the database."""
        try:
            while True:
                await asyncio.sleep(await self.try_round())
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Let another worker follow at once."""
        if self._token is not None:
            self._token = None
            await self._lease.give_up()

    async def try_round(self) -> float:
        """Take up what there is, whatever happens; the seconds until the next look."""
        try:
            if not await self._has_lease():
                return _RENEWED_S
            # (A few events wait for more: a batch costs five statements, however small it is.)
            return 0.0 if await self.round() >= self._at_once else self._idle_s
        except StoreDown as error:
            _LOG.warning("%s waits for the database: %s", self._lease.name, error)
            if isinstance(error, Superseded):  # a worker of the newer release follows
                await self.stop()
        except _Refused as refused:
            if self._singly:
                self._work.leave_out(cast("E", refused.first), refused.why)
            self._singly = self._batch
            self._forget()
            return 0.0
        except Exception:
            # Whatever the error is: giving up would leave all later events out for good.
            _LOG.exception("%s has failed and tries again", self._lease.name)
        self._forget()
        return _TROUBLE_S

    def _forget(self) -> None:
        self._work.forget()
        self._knows_held = False

    async def behind(self) -> int:
        """How many events are still to be taken up. Raises StoreDown."""
        return sum(place.head - place.reached for place in await self.places())

    async def places(self) -> list[Place]:
        """How far it is, in each partition. Raises StoreDown."""
        return [Place(*row) for row in await self._pool.ask(SQL["places"], self._work.name)]

    async def round(self) -> int:
        """Take up some batches of each partition; the number of events. Raises StoreDown."""
        if not await self._has_lease():
            return 0
        done = await self._redrive()
        if not self._knows_held:
            self._work.held = await quarantine.held(self._pool, self._work.name)
            self._knows_held = True
        for place in await self.places():
            if place.reached > place.head:
                await self._start_over()
            elif place.reached < place.head:
                done += await self._take_up(place)
        return done

    async def _start_over(self) -> None:
        """Empty the follower's tables: they go beyond the log, and so are of another one."""
        self._forget()
        rows = await self._pool.ask(SQL["restart"], self._work.name, self._token, writes=True)
        if rows[0]["done"]:
            _LOG.warning("%s went beyond the log, and begins anew", self._work.name)

    async def _take_up(self, place: Place) -> int:
        partition, after, token = place.partition, place.reached, self._token
        prepared = await self._prepare(partition, after, place.head)
        for _ in range(TURN_BATCHES):
            if prepared is None or not await self._has_lease():
                break
            if self._token != token:  # whoever had the lease may have redriven streams
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

    async def _prepare(self, partition: int, after: int, head: int) -> _Prepared[B, E] | None:
        events = await self._read(partition, after, head)
        if not events:
            return None
        return _Prepared(*await self._work.prepare(partition, events), events)

    async def _write(self, partition: int, after: int, prepared: _Prepared[B, E]) -> bool:
        assert self._token is not None  # as long as there is a lease
        started = perf_counter()
        batch, upto = prepared.batch, prepared.upto
        try:
            done = await self._work.write(partition, after, upto, batch, self._token)
        except asyncpg.PostgresError as error:
            raise _Refused(prepared.events[0], error) from error
        if done:
            if tracing.SPANS is not None:
                written = [m for e in prepared.events if e.position <= upto for m in _each(e)]
                tracing.SPANS.followed(self._work.name, written, perf_counter() - started)
            self._singly = max(0, self._singly - (upto - after))
            await self._pace.spent(perf_counter() - started)
            return True
        self._token = None
        self._forget()
        return False

    async def _redrive(self) -> int:
        """Try the streams in quarantine again that somebody asked for, some events of each.

        Returns the number of events.
        """
        done = 0
        for waiting in await quarantine.asked(self._pool, self._work.name):
            done += await self._redriven(waiting, BATCH_EVENTS)
        return done

    async def _redriven(self, waiting: Waiting, most: int) -> int:
        events = await read_versions(
            self._pool, self._keyring, waiting.partition, waiting.stream,
            after=waiting.version - 1, until=LAST_VERSION, most=most + 1,
        )  # fmt: skip
        known = [event for event in events if event.position <= waiting.reached]
        then = known[most] if len(known) > most else None
        if not await self._has_lease():
            return 0
        assert self._token is not None
        self._work.held.discard(waiting.stream)
        try:
            await self._work.redrive(waiting, known[:most], then, self._token)
        except asyncpg.PostgresError as error:
            if most > 1 and len(known) > 1:
                return await self._redriven(waiting, 1)
            await quarantine.keep(self._pool, self._work.name, waiting, error, self._token)
        finally:
            self._forget()
        return len(known[:most])

    async def _read(self, partition: int, after: int, head: int) -> list[E]:
        if after >= head:
            return []
        slices = await self._reads(
            self._pool, self._keyring, partition,
            after=after, until=head, most=1 if self._singly else self._batch,
            most_bytes=BATCH_BYTES,
        )  # fmt: skip
        return [event async for each in self._pace.each(slices) for event in each]

    async def _has_lease(self) -> bool:
        now = monotonic()
        if self._token is not None and now - self._renewed < _RENEWED_S:
            return True
        held = await self._lease.take()
        if held != self._token:
            self._forget()
        self._token, self._renewed = held, now
        return held is not None


def _each(event: Read) -> Sequence[bytes]:
    return [bytes(known)] if isinstance(known := event.metadata, Raw) else known
