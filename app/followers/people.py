"""The follower of people: by which addresses, numbers and names a session is found.

It keeps them as keyed hashes, and forgets those of a session whose personal data is erased.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from app.database.sql import blocks
from app.followers import batch as batches
from app.followers.follower import Follower
from app.followers.pace import Pace
from app.followers.quarantine import Failure, Waiting, failure
from app.history.followed import PEOPLE
from app.history.person_terms import erases, terms_of_person
from app.history.terms import Terms
from app.log.audited import AuditedEvent, read_on, read_versions
from app.log.log import Log
from app.log.read import LAST_VERSION, SLICE_EVENTS
from app.telemetry import metrics
from domain.event import kind_of
from domain.ids import StreamId

SQL = blocks(__file__)
NAME = PEOPLE
KINDS = frozenset({"ai_session", "chat_session"})


class PeopleBatch(Struct):
    """What a partition's next events add, and of which sessions something is erased."""

    erased: dict[StreamId, None]
    """Their terms go first; those that they still have are among `terms`."""
    terms: dict[tuple[int, StreamId], None]
    failures: list[Failure]
    last: UUID | None
    """Id of the last event."""

    def arguments(self) -> list[list[Any]]:
        """The arrays of `follow_people_1`."""
        return [
            list(self.erased),
            [term for term, _ in self.terms],
            [stream for _, stream in self.terms],
        ]


def follower(log: Log, share: float) -> Follower[PeopleBatch, AuditedEvent]:
    """A worker's follower of people; `share`: of its time, while it serves others."""
    pace = Pace(share, metrics.answered)
    return Follower(log.pool, log.keyring, PeopleFound(log, pace), pace, read_on)


class PeopleFound:
    """Hashes what people are found by, batch by batch."""

    name = NAME

    def __init__(self, log: Log, pace: Pace) -> None:
        """`log`: of the worker."""
        self._log = log
        self._pace = pace
        self._terms = Terms(log.fingerprint)
        self.held: set[StreamId] = set()
        self._refused: dict[StreamId, Exception] = {}

    def forget(self) -> None:
        """Nothing is kept from one batch to the next."""

    def leave_out(self, event: AuditedEvent, why: Exception) -> None:
        """Put the event's stream into quarantine with the next batch: PostgreSQL takes no row."""
        self._refused[event.stream] = why

    async def prepare(
        self, partition: int, events: Sequence[AuditedEvent]
    ) -> tuple[PeopleBatch, int]:
        """The terms of all events. Raises StoreDown."""
        batch = PeopleBatch({}, {}, [], events[-1].event_id if events else None)
        slices = (events[at : at + SLICE_EVENTS] for at in range(0, len(events), SLICE_EVENTS))
        async for each in self._pace.each(slices):
            for event in each:
                if kind_of(event.topic) in KINDS and event.stream not in self.held:
                    self._add(batch, event)
        for stream in batch.erased:
            await self._keep_left(batch, partition, stream)
        return batch, events[-1].position if events else 0

    async def write(
        self, partition: int, after: int, upto: int, batch: PeopleBatch, token: int
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
        """Take up events of a stream in quarantine."""
        self._refused.pop(waiting.stream, None)
        batch, _ = await self.prepare(waiting.partition, events)
        await batches.redrive(self._log.pool, SQL["redrive"], waiting, token, then, batch)

    def _add(self, batch: PeopleBatch, event: AuditedEvent) -> None:
        stream = event.stream
        if stream in self._refused:
            self.held.add(stream)
            batch.failures.append(failure(event, f"It is refused: {self._refused[stream]}"))
        elif erases(event.topic):
            batch.erased[stream] = None
        elif stream not in batch.erased:  # else all that is left of it is read below
            for term in terms_of_person(self._terms, event):
                batch.terms[term, stream] = None

    async def _keep_left(self, batch: PeopleBatch, partition: int, stream: StreamId) -> None:
        """Keep what a session still holds, of agents, after its customer's data was erased."""
        for term, other in list(batch.terms):
            if other == stream:
                del batch.terms[term, other]
        after = 0
        while events := await read_versions(
            self._log.pool, self._log.keyring, partition, stream,
            after=after, until=LAST_VERSION, most=SLICE_EVENTS,
        ):  # fmt: skip
            after = events[-1].version
            for event in events:
                for term in terms_of_person(self._terms, event):
                    batch.terms[term, stream] = None
