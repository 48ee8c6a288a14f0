"""The follower of activity: for each account and day, sessions opened, changed and closed; who did.

It needs no key: what it counts is not sealed. The account of a session is in its first event.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.followers import batch as batches
from app.followers.follower import Follower
from app.followers.pace import Pace
from app.followers.quarantine import Failure, Waiting, failure
from app.history.followed import FOLLOWERS
from app.log.audited import AuditedEvent, read_on
from app.log.log import Log
from app.telemetry import metrics
from domain.ai_session import AISessionCreated, AISessionDeleted
from domain.chat.events import ChatSessionClosed, ChatSessionCreated, ChatSessionFetched
from domain.event import kind_of
from domain.ids import StreamId
from domain.stored import present_name

SQL = blocks(__file__)
NAME = FOLLOWERS[1]
KINDS = frozenset({"ai_session", "chat_session"})
OPENED = frozenset({AISessionCreated.topic, ChatSessionCreated.topic})
CLOSED = frozenset({AISessionDeleted.topic, ChatSessionClosed.topic})
PASSED_OVER = frozenset({ChatSessionFetched.topic})
"""A customer's screen that looks for news changes nothing."""
_MAX_KNOWN = 50_000
_COUNTS = ("opened", "changed", "closed")
_Day = tuple[str, date]
"""An account, '' for none, and a day."""


class _First(Struct):
    account_id: str = ""


_FIRST = msgspec.json.Decoder(_First)


class ActivityBatch(Struct):
    """What a partition's next events add."""

    counts: dict[str, Counter[_Day]]
    """By `opened`, `changed`, `closed`."""
    actors: dict[tuple[str, date, str], None]
    failures: list[Failure]
    last: UUID | None
    """Id of the last event."""

    def arguments(self) -> list[list[Any]]:
        """The arrays of `follow_activity_1`."""
        days = list(dict.fromkeys(day for counter in self.counts.values() for day in counter))
        return [
            [account for account, _ in days],
            [day for _, day in days],
            *([*map(counter.__getitem__, days)] for counter in self.counts.values()),
            [account for account, _, _ in self.actors],
            [day for _, day, _ in self.actors],
            [actor for _, _, actor in self.actors],
        ]


def follower(log: Log, share: float) -> Follower[ActivityBatch, AuditedEvent]:
    """A worker's follower of activity; `share`: of its time, while it serves others."""
    work = Activity(log)
    log.incarnation.on_change(work.forget)
    return Follower(log.pool, log.keyring, work, Pace(share, metrics.answered), read_on)


class Activity:
    """Counts events, batch by batch."""

    name = NAME

    def __init__(self, log: Log) -> None:
        """`log`: of the worker."""
        self._log = log
        self._accounts: dict[StreamId, str | Exception] = {}
        self.held: set[StreamId] = set()
        self._refused: dict[StreamId, Exception] = {}

    def forget(self) -> None:
        """Forget the streams' accounts."""
        self._accounts.clear()

    def leave_out(self, event: AuditedEvent, why: Exception) -> None:
        """Put the event's stream into quarantine with the next batch: PostgreSQL takes no row."""
        self._refused[event.stream] = why

    async def prepare(
        self, partition: int, events: Sequence[AuditedEvent]
    ) -> tuple[ActivityBatch, int]:
        """The counts of all events. Raises StoreDown."""
        counted = [event for event in events if _is_counted(event)]
        await self._learn(partition, {event.stream for event in counted})
        last = events[-1].event_id if events else None
        batch = ActivityBatch(
            {kind: Counter() for kind in ("opened", "changed", "closed")}, {}, [], last
        )
        for event in counted:
            if event.stream not in self.held:
                self._add(batch, event)
        return batch, events[-1].position if events else 0

    async def write(
        self, partition: int, after: int, upto: int, batch: ActivityBatch, token: int
    ) -> bool:
        """Write a batch; false if the checkpoint was moved by another, or the log is another."""
        return await batches.write(
            self._log.pool, SQL["write"], NAME, partition, token, after, upto, batch
        )

    async def redrive(
        self,
        waiting: Waiting,
        events: Sequence[AuditedEvent],
        then: AuditedEvent | None,
        token: int,
    ) -> None:
        """Count events of a stream in quarantine."""
        self._accounts.pop(waiting.stream, None)
        self._refused.pop(waiting.stream, None)
        batch, _ = await self.prepare(waiting.partition, events)
        await batches.redrive(self._log.pool, SQL["redrive"], waiting, token, then, batch)

    def _add(self, batch: ActivityBatch, event: AuditedEvent) -> None:
        account = self._accounts.get(event.stream, LookupError("there is no first event"))
        if event.stream in self._refused:
            account = self._refused[event.stream]
        if isinstance(account, Exception):
            self.held.add(event.stream)
            batch.failures.append(failure(event, f"It cannot be counted: {account}"))
            return
        name = present_name(event.topic)
        kind = "opened" if name in OPENED else "closed" if name in CLOSED else "changed"
        day = event.recorded_at.astimezone(UTC).date()
        batch.counts[kind][account, day] += 1
        batch.actors[account, day, event.actor] = None

    async def _learn(self, partition: int, streams: set[StreamId]) -> None:
        if len(self._accounts) > _MAX_KNOWN:
            self._accounts.clear()
        missing = streams - self._accounts.keys()
        if not missing:
            return
        rows = await self._log.pool.ask(SQL["accounts"], partition, list(missing))
        self._accounts |= {row["stream"]: _account(row["state"]) for row in rows}


def _is_counted(event: AuditedEvent) -> bool:
    return kind_of(event.topic) in KINDS and present_name(event.topic) not in PASSED_OVER


def _account(state: bytes) -> str | Exception:
    try:
        return _FIRST.decode(state).account_id
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return error
