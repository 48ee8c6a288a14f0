"""The work of a follower that is a projection of the library: exactly once, into its own tables."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import InterfaceError, OperationalError, Tracking
from eventsourcing.projection import Projection
from psycopg import Connection, Rollback
from psycopg.rows import DictRow

from app.database.errors import StoreDown
from app.database.sql import blocks
from app.followers.library.domain_events import domain_event
from app.followers.library.factory import SessionLog
from app.followers.library.tracking import LogTracking
from app.followers.quarantine import Failure, Waiting, arrays, failure, next_of, say
from app.log.audited import AuditedEvent
from app.log.errors import UnreadableEvent
from domain.ids import StreamId
from domain.stored import present_name

SQL = blocks(__file__)
_DOWN = (InterfaceError, OperationalError, psycopg.InterfaceError, psycopg.OperationalError)
"""Of the database, not of an event."""


class ProjectionWork:
    """Hands events to a projection, a batch in each transaction."""

    def __init__(self, projection: Projection[Any]) -> None:
        """`projection`: its view is a `LogTracking`, whose tables are there."""
        view = projection.view
        assert isinstance(view, LogTracking)
        self._projection = projection
        self._view = view
        self.name = view.follower
        self.held: set[StreamId] = set()

    def register(self) -> None:
        """Begin to be seen as a follower."""
        with self._view.datastore.get_connection() as connection:
            connection.execute(SQL["register"], {"name": self.name})

    def forget(self) -> None:
        """Nothing is in memory."""

    def leave_out(self, event: AuditedEvent, why: Exception) -> None:
        """Never asked: what the database refuses is found event by event."""

    async def prepare(
        self, partition: int, events: Sequence[AuditedEvent]
    ) -> tuple[Sequence[AuditedEvent], int]:
        """All of them."""
        return events, events[-1].position

    async def write(
        self, partition: int, after: int, upto: int, batch: Sequence[AuditedEvent], token: int
    ) -> bool:
        """Hand a batch to the projection. Raises StoreDown."""
        return await asyncio.to_thread(self._write, partition, after, upto, batch, token)

    async def redrive(
        self,
        waiting: Waiting,
        events: Sequence[AuditedEvent],
        then: AuditedEvent | None,
        token: int,
    ) -> None:
        """Hand events of a stream in quarantine to the projection. Raises StoreDown."""
        await asyncio.to_thread(self._redrive, waiting, events, then, token)

    def _write(
        self, partition: int, after: int, upto: int, batch: Sequence[AuditedEvent], token: int
    ) -> bool:
        view = self._view
        view.partition, view.token, view.is_redriving = partition, token, False
        place = {"name": self.name, "partition": partition, "position": after}
        failures: list[Failure] = []
        with self._transaction() as connection:
            lease = {"lease": f"follow_{self.name}", "token": token}
            last = {"upto": upto, "last": batch[-1].event_id}
            found = connection.execute(SQL["begin"], place | lease | last).fetchone()
            if found is None or not found["may"]:
                return False
            for event in batch:
                failed = None if event.stream in self.held else self._take_up(connection, event)
                if failed is not None:
                    failures.append(failed)
                    self.held.add(event.stream)
            names = ("streams", "versions", "positions", "errors")
            streams = dict(zip(names, arrays(failures), strict=True))
            connection.execute(SQL["quarantine"], place | streams)
            connection.execute(SQL["finish"], place | {"position": upto})
        say(self.name, failures)
        return True

    def _redrive(
        self,
        waiting: Waiting,
        events: Sequence[AuditedEvent],
        then: AuditedEvent | None,
        token: int,
    ) -> None:
        self._view.partition, self._view.is_redriving = waiting.partition, True
        failures: list[Failure] = []
        with self._transaction() as connection:
            for event in events:
                if (failed := self._take_up(connection, event)) is not None:
                    failures.append(failed)
                    break
            position, version, error = next_of(failures, then)
            done = connection.execute(
                SQL["redrive"],
                {
                    "name": self.name, "token": token, "partition": waiting.partition,
                    "reached": waiting.reached, "stream": waiting.stream,
                    "position": waiting.position, "then": position, "version": version,
                    "error": error,
                },
            ).fetchone()  # fmt: skip
            if done is None or not done["done"]:
                raise Rollback  # another one works: the transaction ends here, and nothing else

    @contextmanager
    def _transaction(self) -> Iterator[Connection[DictRow]]:
        try:
            with self._view.datastore.joined() as connection:
                yield connection
        except _DOWN as error:
            raise StoreDown("The database does not answer") from error

    def _take_up(self, connection: Connection[DictRow], event: AuditedEvent) -> Failure | None:
        """Hand an event to the projection; the reason if it does not take it."""
        recorded, topics = event.recorded, self._projection.topics
        if topics and present_name(event.topic) not in topics:
            return None
        if isinstance(recorded, UnreadableEvent):
            return failure(event, recorded)
        tracking = Tracking(SessionLog.name, event.position)
        try:
            with connection.transaction():
                self._projection.process_event(domain_event(recorded), tracking)
        except _DOWN:
            raise
        except Exception as error:  # whatever the projection makes of it
            return failure(event, f"{type(error).__name__}: {error}")
        return None
