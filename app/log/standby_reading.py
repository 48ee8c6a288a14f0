"""What one request reads by: a standby that has passed the fence, else the primary."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg

from app.database.standby_pool import FAILURES, AllLent
from app.log.fence import Shown, Verdict, shown
from app.log.read import Asks
from app.log.standby import UNFIT, Standby
from app.telemetry import metrics


@asynccontextmanager
async def reading(standby: Standby, seen: Mapping[int, int]) -> AsyncIterator["Reading"]:
    """What one request reads by, for as long as the block lasts; connects at its first statement.

    `seen`: positions by partition, which it has to show at least. Of all other partitions, it
    shows at least what the primary shows when the first statement comes.
    """
    reads = Reading(standby, seen)
    try:
        yield reads
    finally:
        reads.close()


class Reading:
    """What one request reads by: the standby once that has passed the fence, else the primary.

    One connection to the standby serves the whole request, so that no statement shows less than
    one before it. After any failure, the primary serves it to the end, for the same reason.
    """

    def __init__(self, standby: Standby, seen: Mapping[int, int]) -> None:
        """Use `reading`."""
        self._standby = standby
        self._seen = seen
        self._lent: asyncpg.Connection | None = None
        self._is_over = False
        self._turn = asyncio.Lock()
        self.is_older = False
        """Whether it was answered by a standby that lacked events which the primary had."""

    def instead_of(self, pool: Asks) -> Asks:
        """Statements for a pool of the primary, carried out by the standby if it can."""
        return _Store(self, pool)

    def close(self) -> None:
        """Read from the primary from now on."""
        # (A statement may still be on its way, if the request was given up.)
        self._give_back(fit=not self._turn.locked())

    async def ask(
        self, pool: Asks, sql: str, arguments: Sequence[object]
    ) -> Sequence[asyncpg.Record]:
        """The rows of a statement. Raises as the pool does, or TooSlow."""
        if sql in self._standby.primary_only:
            rows = await pool.ask(sql, *arguments)
            async with self._turn:
                await self._renew()
            return rows
        async with self._turn:
            found = await self._asked(sql, arguments)
        return await pool.ask(sql, *arguments) if found is None else found

    async def _asked(
        self, sql: str, arguments: Sequence[object]
    ) -> Sequence[asyncpg.Record] | None:
        """The standby's rows; None: the primary is to be asked."""
        if not self._is_over and self._lent is None:
            await self._begin()
        connection = self._lent
        if connection is None:
            return None
        try:
            return await self._standby.answer(connection, sql, arguments)
        except FAILURES as error:
            if isinstance(error, OSError) or connection.is_closed():
                self._standby.failed(error)
            self._end("failed")
            return None

    async def _begin(self) -> None:
        """Have a connection that has passed the fence, if that is to be had in time."""
        standby = self._standby
        if standby.standing.state == "away":
            self._end("away")
            return
        primary = await shown(standby.primary.ask, self._seen)
        until_s = asyncio.get_running_loop().time() + standby.wait_s
        try:
            self._lent = await standby.pool.lend(standby.wait_s)
        except AllLent:
            self._end("busy")
        except FAILURES as error:
            standby.failed(error)
            self._end("failed")
        else:
            await self._pass(self._lent, primary, until_s)
            if self._lent is not None:
                metrics.STANDBY_READS.labels("answered").inc()

    async def _pass(self, lent: asyncpg.Connection, primary: Shown, until_s: float) -> None:
        """Let the standby pass the fence, or do without it. Raises StoreDown."""
        standby = self._standby
        keeps_up = standby.standing.state == "read"
        try:
            found = await standby.reach(lent, primary, until_s if keeps_up else 0.0)
            if found.verdict is not Verdict.REACHED and (keeps_up or found.verdict in UNFIT):
                standby.judge(found)
        except FAILURES as error:
            standby.failed(error)
            self._end("failed")
            return
        if found.verdict is Verdict.REACHED:
            self.is_older = found.behind > 0
        else:
            self._end("behind")

    async def _renew(self) -> None:
        """Ask for all that the primary shows by now. Raises StoreDown."""
        self._seen = {}
        if self._lent is not None:
            primary = await shown(self._standby.primary.ask)
            until_s = asyncio.get_running_loop().time() + self._standby.wait_s
            await self._pass(self._lent, primary, until_s)

    def _end(self, result: str) -> None:
        metrics.STANDBY_READS.labels(result).inc()
        self._give_back(fit=True)

    def _give_back(self, *, fit: bool) -> None:
        self._is_over = True
        if self._lent is not None:
            self._standby.pool.give_back(self._lent, fit=fit)
            self._lent = None


class _Store:
    """Runs queries by a reading."""

    def __init__(self, reading: Reading, pool: Asks) -> None:
        self._reading = reading
        self._pool = pool

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        return await self._reading.ask(self._pool, sql, arguments)
