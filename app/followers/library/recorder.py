"""Reads the log for the library: a stream's events, a partition's in order, and what comes next."""

from collections.abc import Iterator, Mapping, Sequence
from threading import Event as Signal
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from eventsourcing.persistence import (
    ApplicationRecorder,
    InterfaceError,
    Notification,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    StoredEvent,
    Subscription,
)
from eventsourcing.utils import retry

from app.database.sql import blocks
from app.followers.library.datastore import LogDatastore
from app.followers.library.mapper import READ_ONLY, SealedNotification
from app.log.keyring import KeySettings
from app.log.read import LAST_VERSION
from domain.ids import StreamId, partition_of
from domain.stored import UPCASTS, present_name

SQL = blocks(__file__)
PAGE_EVENTS = 500
_LOOK_S = 0.1
"""Seconds between two looks at a log that does not grow: an append wakes nobody."""


class LogRecorder(ApplicationRecorder):
    """One partition as the application's sequence, and the streams of all partitions.

    The id of a notification is the position of its event in the partition.
    """

    def __init__(self, datastore: LogDatastore, partition: int) -> None:
        """Takes the rights that the datastore's login has to read."""
        self._datastore = datastore
        self._partition = partition
        self._partitions = 0

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> NoReturn:
        """Refused. Raises NotSupportedError."""
        raise NotSupportedError(READ_ONLY)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of a stream after version `gt`, up to `lte`; [] if there are none."""
        stream = StreamId(UUID(str(originator_id)))
        if not self._partitions:
            (row,) = self._ask("partitions")
            self._partitions = row["partitions"]
        return self._events(
            SQL["events"].format(order="DESC" if desc else "ASC"),
            partition=partition_of(stream, self._partitions),
            stream=stream,
            gt=gt or 0,
            lte=LAST_VERSION if lte is None else lte,
            limit=limit,
        )

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events of the partition from position `start` on, up to `stop`, of some stored names."""
        return self._events(
            SQL["notifications"].format(),
            partition=self._partition,
            gt=(start or 0) - (inclusive_of_start and start is not None),
            lte=LAST_VERSION if stop is None else stop,
            topics=_stored_names(topics),
            limit=limit,
        )

    def max_notification_id(self) -> int | None:
        """The position of the partition's last event; None if it has none.

        Raises ProgrammingError if the log has no such partition.
        """
        rows = self._ask("head", partition=self._partition)
        if not rows:
            raise ProgrammingError(f"The log has no partition {self._partition}")
        return rows[0]["position"] or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> "Subscription[LogRecorder]":
        """All events of the partition after a position, of some stored names, as they come."""
        return LogSubscription(self, gt, topics)

    def key_settings(self) -> KeySettings:
        """What the log keeps of its master keys."""
        (row,) = self._run(SQL["keys"].format(), {})
        found: KeySettings = msgspec.json.decode(row["keys"], type=KeySettings)
        return found

    def _ask(self, name: str, **values: object) -> Sequence[Mapping[str, Any]]:
        rows: Sequence[Mapping[str, Any]] = self._run(SQL[name], values)
        return rows

    def _events(self, sql: str, **values: object) -> list[SealedNotification]:
        return [
            SealedNotification(
                originator_id=row["originator_id"],
                originator_version=row["originator_version"],
                topic=row["topic"],
                state=row["state"],
                id=row["notification_id"],
                partition=row["partition"],
                event_id=row["event_id"],
                recorded_at=row["recorded_at"],
                actor=row["actor"],
                wrapped=row["wrapped"],
            )
            for row in self._run(sql, values)
        ]

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def _run(self, sql: str, values: Mapping[str, object]) -> Sequence[Mapping[str, Any]]:
        with self._datastore.get_connection() as connection:
            found: Sequence[Mapping[str, Any]] = connection.execute(sql, values).fetchall()
            return found


def _stored_names(topics: Sequence[str]) -> list[str]:
    """Some names of events, and those under which these were stored before."""
    earlier = [name for name in UPCASTS if topics and present_name(name) in topics]
    return [*topics, *earlier]


class LogSubscription(Subscription[LogRecorder]):
    """Looks for further events until it is stopped."""

    def __init__(self, recorder: LogRecorder, gt: int | None, topics: Sequence[str]) -> None:
        """Begins after position `gt`."""
        super().__init__(recorder, gt, topics)
        self._after = gt or 0
        self._page: Iterator[Notification] = iter(())
        self._stopped = Signal()

    def stop(self) -> None:
        """End the iteration; another thread may do so."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        """The next event; waits for one."""
        while not self._stopped.is_set():
            if (found := next(self._page, None)) is not None:
                return found
            if not self._turn_page():
                self._stopped.wait(_LOOK_S)
        raise StopIteration

    def _turn_page(self) -> bool:
        """Read the next events; false if there are none."""
        head = self._recorder.max_notification_id() or 0
        page = self._recorder.select_notifications(
            self._after, PAGE_EVENTS, head, self._topics, inclusive_of_start=False
        )
        # (Events of other names are not looked at again.)
        self._after = page[-1].id if len(page) == PAGE_EVENTS else max(head, self._after)
        self._page = iter(page)
        return bool(page)
