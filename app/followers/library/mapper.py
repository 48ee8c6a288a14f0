"""Opens stored events: unseals personal fields, brings old forms up to date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, cast
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    Mapper,
    MapperDeserialisationError,
    Notification,
    NotSupportedError,
    StoredEvent,
)

from app.followers.library.domain_events import domain_event
from app.log import codec
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from domain.event import Event
from domain.ids import StreamId
from projections.fold import Recorded

READ_ONLY = "The log takes events through the service alone: here it is only read"


@dataclass(frozen=True)
class SealedNotification(Notification):
    """A stored event with what is stored beside it."""

    partition: int
    event_id: UUID
    recorded_at: datetime
    actor: str
    wrapped: bytes | None
    """The key of its stream, wrapped; None: it has none."""


class LogMapper(Mapper[UUID]):
    """Makes domain events of ours; it knows the recorder's notifications only."""

    def __init__(self, keyring: Callable[[], Keyring]) -> None:
        """`keyring`: reads the keys that the log has now."""
        self._read_keyring = keyring
        self._keyring: Keyring | None = None

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """The event, with its origin. Raises MapperDeserialisationError."""
        assert isinstance(stored_event, SealedNotification)  # as our recorder gives them
        try:
            return cast("DomainEventProtocol[UUID]", domain_event(self._opened(stored_event)))
        except Unreadable as error:
            raise MapperDeserialisationError(
                f"stream {stored_event.originator_id}, version {stored_event.originator_version}, "
                f"position {stored_event.partition}:{stored_event.id}, stored as "
                f"{stored_event.topic!r}: {error}"
            ) from error

    def to_stored_event(self, domain_event: object) -> NoReturn:
        """Refused. Raises NotSupportedError."""
        raise NotSupportedError(READ_ONLY)

    def _opened(self, sealed: SealedNotification) -> Recorded:
        stream = StreamId(UUID(str(sealed.originator_id)))
        try:
            event, erased = self._decoded(stream, sealed)
        except Unreadable:
            self._keyring = None  # the master key may have changed meanwhile
            event, erased = self._decoded(stream, sealed)
        return Recorded(
            partition=sealed.partition,
            position=sealed.id,
            stream=stream,
            version=sealed.originator_version,
            event=event,
            event_id=sealed.event_id,
            recorded_at=sealed.recorded_at,
            actor=sealed.actor,
            erased=erased,
        )

    def _decoded(self, stream: StreamId, sealed: SealedNotification) -> tuple[Event, Sequence[str]]:
        if self._keyring is None:
            self._keyring = self._read_keyring()
        box = None
        if sealed.wrapped is not None:
            box = self._keyring.unwrap(stream, sealed.wrapped)
        return codec.opened(sealed.topic, sealed.state, stream, box)
