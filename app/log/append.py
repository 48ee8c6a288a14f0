"""Group commit: one append, one round trip and one flush to disk for the commands of many."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from app.concurrency.batcher import Batcher
from app.database.errors import TRANSIENT, StoreDown
from app.database.places import NoPlace
from app.database.pool import Pool
from app.database.sql import blocks
from app.log.clock import HeadClock
from app.log.entry import Context, Entry, PreparedAppend, rewrapped
from app.log.incarnation import AnotherLog, Incarnation
from app.log.outcome import (
    AccountMissing,
    Appended,
    HeldBack,
    KeyTaken,
    Outcome,
    Overtaken,
    Replayed,
    Unchanged,
)
from app.telemetry import metrics
from domain.ids import StreamId

SQL = blocks(__file__)
REPLACED = "SE001"
"""SQLSTATE that `append_1` raises if the log has another check value of its master key."""
REFUSED = (asyncpg.PostgresError, ValueError, OverflowError)
"""Errors by which the database, or the driver before it, refuses an entry for good."""


class Appender:
    """Appends to one partition of the log."""

    def __init__(
        self,
        pool: Pool,
        partition: int,
        *,
        batch: int,
        deadline_s: float,
        incarnation: Incarnation | None = None,
        clock: HeadClock | None = None,
    ) -> None:
        """`batch`: commands per commit, at most; `deadline_s`: how long to try before StoreDown.

        `incarnation`: of the log to write to; None allows any log. `clock`: receives the log's
        time after each append.
        """
        self._incarnation = incarnation
        self._clock = clock
        self._pool = pool
        self._partition = partition
        self._deadline_s = deadline_s
        self._batcher = Batcher[Entry, Outcome](self._send, batch, lanes=2, wait_s=deadline_s)
        # Separate, so that no single command waits here behind an atomic batch.
        self._whole = Batcher[Sequence[Entry], Sequence[Outcome]](
            self._send_whole, 1, wait_s=deadline_s
        )

    def append(self, entry: Entry) -> asyncio.Future[Outcome]:
        """The outcome, once it is on disk. Takes at most one entry per stream at a time.

        Raises StoreDown when the database could not be reached. The entry may or may not have
        been written then; a retry with the same idempotency key finds out. Raises TooManyBefore
        if it would wait too long.
        """
        return self._batcher.submit(entry)

    def append_all(self, entries: Sequence[Entry]) -> asyncio.Future[Sequence[Outcome]]:
        """The outcomes of entries that are written all or none, in a commit of their own.

        An entry is HeldBack if only another entry prevented its write. Raises as `append` does,
        and the error by which the database refuses any of them.
        """
        return self._whole.submit(entries)

    @property
    def waiting(self) -> int:
        """How many entries wait for the append before theirs."""
        return self._batcher.waiting + self._whole.waiting

    async def drain(self) -> None:
        """Return when no append is under way."""
        await self._batcher.drain()
        await self._whole.drain()

    async def _send(self, entries: Sequence[Entry]) -> Sequence[Outcome | Exception]:
        try:
            return await self._commit(entries, atomic=False)
        except REFUSED as error:
            # One refused entry must not fail the rest of its batch.
            if len(entries) == 1:
                return [error]
            return [answer for entry in entries for answer in await self._send([entry])]

    async def _send_whole(
        self, batches: Sequence[Sequence[Entry]]
    ) -> Sequence[Sequence[Outcome] | Exception]:
        return [await self._commit(entries, atomic=True) for entries in batches]

    async def _commit(self, entries: Sequence[Entry], *, atomic: bool) -> Sequence[Outcome]:
        contexts: dict[Context, int] = {}
        numbers = [contexts.setdefault(entry.context, len(contexts) + 1) for entry in entries]
        sql, arguments = self._statement(entries, list(contexts), numbers)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._deadline_s
        while True:
            left_s = deadline - loop.time()
            try:
                started = time.perf_counter()
                rows = await self._ask(sql, (*arguments, atomic), left_s)
                self._pool.disk_full = 0
                metrics.APPEND_SECONDS.observe(time.perf_counter() - started)
                metrics.APPEND_BATCH_SIZE.observe(len(entries))
                if self._clock is not None:
                    self._clock.seen(rows[0]["present"])
                return _outcomes(self._partition, rows[0], entries, numbers)
            except TRANSIENT as error:
                # A second send is safe: the function recognises a committed entry by the id of
                # its last event, and answers as it did the first time.
                if isinstance(error, NoPlace) or loop.time() + 0.05 >= deadline:
                    raise StoreDown("The database does not answer") from error
                if isinstance(error, AnotherLog):  # or the same, with another master key
                    if self._incarnation is not None:
                        entries = rewrapped(entries, self._incarnation.rewrap)
                    sql, arguments = self._statement(entries, list(contexts), numbers)
                await asyncio.sleep(0.05)

    def _statement(
        self, entries: Sequence[Entry], contexts: Sequence[Context], numbers: Sequence[int]
    ) -> tuple[str, tuple[object, ...]]:
        """The statement that appends entries, and its arguments but for the last two."""
        if len(entries) == 1 and len(entries[0].events) == 1 and not entries[0].prepared.further:
            return SQL["append_one"], self._values(entries[0])
        return SQL["append"], self._arrays(entries, contexts, numbers)

    async def _ask(
        self, sql: str, arguments: Sequence[object], limit_s: float
    ) -> Sequence[asyncpg.Record]:
        known = self._incarnation
        value = None if known is None else known.check_value
        try:
            return await self._pool.fetch(sql, *arguments, value, timeout_s=limit_s)
        except asyncpg.PostgresError as error:
            if error.sqlstate != REPLACED:
                raise
            # Behind a pooler, no new connection reveals that the database was replaced.
            if known is not None:
                await known.check(self._pool.fetch)
            raise AnotherLog("The database was replaced") from error

    def _values(self, entry: Entry) -> tuple[object, ...]:
        prepared, event = entry.prepared, entry.events[0]
        context = entry.context
        return (
            self._partition,
            context.actor,
            context.metadata,
            context.view,
            context.account,
            prepared.stream,
            prepared.expected,
            prepared.last,
            prepared.doc,
            prepared.search,
            entry.sealing_key,
            prepared.key,
            prepared.fingerprint,
            event.topic,
            event.state,
            event.event_id,
        )

    def _arrays(
        self, entries: Sequence[Entry], contexts: Sequence[Context], numbers: Sequence[int]
    ) -> tuple[object, ...]:
        events = [event for entry in entries for event in entry.events]
        appends = [entry.prepared for entry in entries]
        # Each array costs both sides some microseconds per entry, so empty ones are sent as null.
        one_each = all([len(entry.events) == 1 for entry in entries])
        searched = any([each.search is not None for each in appends])
        changing = any([each.last is not None for each in appends])
        sealing = any([entry.sealing_key is not None for entry in entries])
        keyed = any([each.key is not None for each in appends])
        named = any([context.account is not None for context in contexts])
        return (
            self._partition,
            [context.actor for context in contexts],
            [context.metadata for context in contexts],
            [context.view for context in contexts],
            [context.account for context in contexts] if named else None,
            numbers,
            [each.stream for each in appends],
            [each.expected for each in appends],
            [each.last for each in appends] if changing else None,
            None if one_each else [len(entry.events) for entry in entries],
            [each.doc for each in appends],
            [each.search for each in appends] if searched else None,
            [entry.sealing_key for entry in entries] if sealing else None,
            [each.key for each in appends] if keyed else None,
            [each.fingerprint for each in appends] if keyed else None,
            *_further(appends),
            [event.topic for event in events],
            [event.state for event in events],
            [event.event_id for event in events],
        )


def _further(appends: Sequence[PreparedAppend]) -> Sequence[Sequence[object] | None]:
    """The rows of further views, column by column, with the number of each row's command."""
    if not any([each.further for each in appends]):
        return [None] * 4
    numbered = [(number, row) for number, each in enumerate(appends, 1) for row in each.further]
    return [
        [number for number, _ in numbered],
        [row.view for _, row in numbered],
        [row.doc for _, row in numbered],
        [row.search for _, row in numbered],
    ]


def _outcomes(
    partition: int, row: asyncpg.Record, entries: Sequence[Entry], numbers: Sequence[int]
) -> Sequence[Outcome]:
    """The outcome of each entry, from the row that the function `append_1` returns.

    `numbers`: of the entries' contexts, from 1.
    """
    head, present, account_names, outcomes, streams, versions, positions, times = row
    names = [account_names and account_names[number - 1] for number in numbers]
    if outcomes is None:
        return [
            _appended(partition, entry, entry.prepared.expected + 1, position, present, name)
            for position, (entry, name) in enumerate(zip(entries, names, strict=True), head + 1)
        ]
    told = zip(entries, outcomes, streams, versions, positions, times, names, strict=True)
    return [_outcome(partition, *each) for each in told]


def _outcome(
    partition: int,
    entry: Entry,
    outcome: str,
    stream: StreamId,
    version: int,
    position: int,
    recorded_at: datetime,
    account_name: str | None,
) -> Outcome:
    """The outcome of one entry. (An entry that was not written has no position and no time.)"""
    match outcome:
        case "appended":
            return _appended(partition, entry, version, position, recorded_at, account_name)
        case "replayed":
            return Replayed(stream, version)
        case "conflict":
            return Overtaken(version)
        case "key_reused":
            return KeyTaken()
        case "no_account":
            return AccountMissing()
        case "held_back":
            return HeldBack()
        case _:
            raise ValueError(f"the function append has no outcome {outcome!r}")


def _appended(
    partition: int,
    entry: Entry,
    version: int,
    position: int,
    recorded_at: datetime,
    account_name: str | None,
) -> Appended | Unchanged:
    if not entry.events:
        return Unchanged(account_name)
    last = entry.events[-1].event_id
    return Appended(partition, version, position, recorded_at, account_name, last, entry.keys)
