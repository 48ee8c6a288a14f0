"""Where everything is reported that callers do with credentials, or are refused.

Each report is a line of the security log at once, except refused input, which anybody can send:
each worker writes one for each reason, address and minute. Refusals are counted, and become events:
one for each principal, address and minute, with the count in it. All workers count in the database
together, so that two of them do not write two events.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NoReturn

import asyncpg

from app.auth.register import Act, Register
from app.concurrency.expected_wait import TooManyBefore
from app.concurrency.ttl_cache import in_the_background
from app.database.errors import StoreDown
from app.database.pool import Pool
from app.database.sql import blocks
from app.log.errors import LogError
from app.log.facts import Facts
from app.telemetry import security
from app.telemetry.security import REFUSALS, TALLIED, Attempt, Happening
from app.telemetry.tally import Tally
from domain.ids import StreamId, principal_stream
from domain.principal.commands import RecordRefusals
from domain.principal.events import OperationForbidden, RefusalEvent, SignInRefused, Throttled
from domain.principal.state import STRANGERS

SQL = blocks(__file__)
_LOG = logging.getLogger("sessionary")
_ACT = Act("sessionary", Facts('{"operation":"RecordRefusals"}'))
_ROUND_S = 2.0
"""Seconds between two looks for counts to write."""
_MINUTE_S = 60.0
_QUIET_ROUNDS = 45
"""Rounds after the last refusal in which somebody has to write what others counted."""
_MOST = 5_000
"""Counts that a worker holds between two rounds; further ones are counted as one stranger's."""
_AT_A_TIME = 500
_DETAILS = 10
"""Operations, or reasons, that an event names at most."""


_Key = tuple[Happening, StreamId, str]


class _Count:
    __slots__ = ("count", "details", "name_hash")

    def __init__(self, name_hash: str | None) -> None:
        self.count = 0
        self.details: dict[str, None] = {}
        self.name_hash = name_hash


class Attempts:
    """The reports of one worker."""

    def __init__(
        self, pool: Pool, register: Register, fingerprint: Callable[[bytes], bytes]
    ) -> None:
        """`fingerprint`: a keyed hash, which only the master key can repeat."""
        self._pool = pool
        self._register = register
        self._fingerprint = fingerprint
        self._counts: dict[_Key, _Count] = {}
        # (A worker that ended may have left counts that were not due yet.)
        self._rounds_left = _QUIET_ROUNDS
        self._writing = asyncio.Lock()
        self._tally = Tally()

    def report(self, attempt: Attempt) -> None:
        """Write a line of the security log, and count a refusal."""
        if attempt.what in TALLIED:
            self._tally.add(attempt)
            return
        security.write(attempt)
        if attempt.what not in REFUSALS:
            return
        stream = attempt.stream
        if attempt.principal is not None:
            stream = principal_stream(attempt.principal)
        key = (attempt.what, stream or _STRANGERS, attempt.address or "")
        if key not in self._counts and len(self._counts) >= _MOST:
            key = (attempt.what, _STRANGERS, "")
        counted = self._counts.get(key)
        if counted is None:
            counted = self._counts[key] = _Count(attempt.name_hash)
        counted.count += 1
        if len(counted.details) < _DETAILS:
            counted.details[attempt.operation or attempt.reason] = None

    def named(self, name: str) -> tuple[str, StreamId]:
        """The keyed hash of a name as a caller gave it, and the stream that would be its own."""
        text = name.encode(errors="replace")
        return self._fingerprint(text)[:16].hex(), principal_stream(text.decode())

    async def keep_writing(self) -> NoReturn:
        """Write counts as events, until cancelled; then `write` waits for what is being written."""
        while True:
            await asyncio.sleep(_ROUND_S)
            # Not cancelled in its midst: what it has taken up, nobody else would write.
            await asyncio.shield(in_the_background(self.try_to_write()))

    async def try_to_write(self, *, is_last: bool = False) -> None:
        """As `write`, but an error is a line of the log."""
        try:
            await self.write(is_last=is_last)
        except (StoreDown, TooManyBefore) as error:
            _LOG.warning("Refused attempts wait for the database: %s", error)
        except Exception:
            # Whatever the error is: giving up would lose all later ones.
            _LOG.exception("Refused attempts could not be written")

    async def write(self, *, is_last: bool = False) -> None:
        """Hand over this worker's counts, and write as events what is due. Raises StoreDown.

        `is_last`: the worker ends, so all lines are due.
        """
        self._tally.write_due(everything=is_last)
        async with self._writing:
            await self._write()

    async def _write(self) -> None:
        if self._counts:
            counts, self._counts = self._counts, {}
            self._rounds_left = _QUIET_ROUNDS
            try:
                await self._hand_over(counts)
            except StoreDown:
                for key, counted in self._counts.items():
                    counted.count += counts[key].count if key in counts else 0
                self._counts = counts | self._counts
                raise
        if self._rounds_left > 0:
            self._rounds_left -= 1
            await self._write_due()

    async def _hand_over(self, counts: dict[_Key, _Count]) -> None:
        rows = [
            (what, stream, address, counted.name_hash, counted.count, "\n".join(counted.details))
            # (In one order, so that no two workers wait for each other.)
            for (what, stream, address), counted in sorted(counts.items(), key=itemgetter(0))
        ]
        await self._count(rows)

    async def _count(self, rows: Sequence[Sequence[object]]) -> None:
        await self._pool.ask_once(SQL["count"], *map(list, zip(*rows, strict=True)))

    async def _write_due(self) -> None:
        while True:
            rows = await self._pool.ask_once(SQL["due"], _MINUTE_S, _AT_A_TIME)
            for stream, of_stream in groupby(
                sorted(rows, key=itemgetter("stream_id")), key=itemgetter("stream_id")
            ):
                await self._write_events(stream, list(of_stream))
            if len(rows) < _AT_A_TIME:
                return

    async def _write_events(self, stream: StreamId, rows: Sequence[asyncpg.Record]) -> None:
        name = await self._register.name_of(stream)
        is_known = name not in (None, STRANGERS)
        refusals = [_event(row, is_known=is_known) for row in rows]
        try:
            await self._register.carry_out(
                RecordRefusals(name=name or STRANGERS, refusals=refusals), _ACT
            )
        except (LogError, StoreDown):
            # Not lost: they are due again in a minute.
            columns = ("what", "stream_id", "address", "name_hash", "count")
            await self._count(
                [(*(row[name] for name in columns), "\n".join(row["details"])) for row in rows]
            )
            raise


_STRANGERS = principal_stream(STRANGERS)


def _event(row: asyncpg.Record, *, is_known: bool) -> RefusalEvent:
    address, count, details = row["address"] or None, row["count"], row["details"]
    name_hash = None if is_known else row["name_hash"]
    match Happening(row["what"]):
        case Happening.THROTTLED:
            return Throttled(address=address, count=count, name_hash=name_hash)
        case Happening.FORBIDDEN:
            return OperationForbidden(address=address, count=count, operations=tuple(details))
        case _:
            reason = details[-1] if details else ""
            return SignInRefused(address=address, count=count, reason=reason, name_hash=name_hash)
