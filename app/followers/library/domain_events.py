"""Stored events as the library's domain events: ours, with their origin in the log beside them."""

from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.event import Event, kind_of
from domain.ids import StreamId
from projections.catalog import CURRENT
from projections.fold import Folded, Recorded, fold

S = TypeVar("S")
_ORIGIN = "origin"


class Aggregate(Struct, Generic[S], frozen=True):
    """A stream at one of its versions, as a repository of the library gives it."""

    kind: str
    """`ai_session`, `chat_session` and so on: the first part of its events' stored names."""
    folded: Folded[S]

    @property
    def id(self) -> UUID:
        """The stream."""
        return self.folded.stream

    @property
    def version(self) -> int:
        """The number of events in it."""
        return self.folded.version

    @property
    def state(self) -> S:
        """The state, as the domain folds it."""
        return self.folded.state

    @property
    def created_on(self) -> datetime:
        """UTC."""
        return self.folded.audit.created_at

    @property
    def modified_on(self) -> datetime:
        """UTC."""
        return self.folded.audit.modified_at


class Origin(Struct, frozen=True, kw_only=True):
    """What a domain event has beside its own fields; all but the last three are its attributes."""

    originator_id: UUID
    """The stream."""
    originator_version: int
    """Counts from 1 within the stream, without gaps."""
    timestamp: datetime
    """UTC; it never runs backwards within a partition."""
    actor: str
    partition: int
    position: int
    """Counts from 1 within the partition, without gaps."""
    event_id: UUID


def origin(domain_event: object) -> Origin:
    """The origin of a domain event, for who dispatched on its own type.

    Raises TypeError for what was not read from the log.
    """
    found = getattr(domain_event, _ORIGIN, None)
    if not isinstance(found, Origin):
        raise TypeError(f"{type(domain_event).__name__} was not read from the log")
    return found


def domain_event(recorded: Recorded) -> Event:
    """An event of the log as a domain event: still one of its own type, so dispatch finds it."""
    event = recorded.event
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    fields[_ORIGIN] = Origin(
        originator_id=recorded.stream,
        originator_version=recorded.version,
        timestamp=recorded.recorded_at,
        actor=recorded.actor,
        partition=recorded.partition,
        position=recorded.position,
        event_id=recorded.event_id,
    )
    return _with_origin(type(event))(**fields)


def _mutate(event: Event, aggregate: Aggregate[Any] | None) -> Aggregate[Any]:
    """The stream after an event, folded as the views are: so no projector is needed."""
    known = origin(event)
    recorded = Recorded(
        partition=known.partition,
        position=known.position,
        stream=StreamId(known.originator_id),
        version=known.originator_version,
        event=event,
        event_id=known.event_id,
        recorded_at=known.timestamp,
        actor=known.actor,
    )
    if aggregate is None:
        kind = kind_of(event.topic)
        return Aggregate(kind, fold(CURRENT[kind].evolve, None, recorded, kind))
    kind = aggregate.kind
    return Aggregate(kind, fold(CURRENT[kind].evolve, aggregate.folded, recorded, kind))


@cache
def _with_origin(event: type[Event]) -> type[Event]:
    """The type of an event that has an origin, as the library's events have."""
    shared = ("originator_id", "originator_version", "timestamp", "actor")
    namespace: dict[str, Any] = {name: property(attrgetter(f"{_ORIGIN}.{name}")) for name in shared}
    namespace |= {"mutate": _mutate, "__doc__": event.__doc__, "__module__": event.__module__}
    made = msgspec.defstruct(
        event.__name__, [(_ORIGIN, Origin)], bases=(event,), namespace=namespace,
        frozen=True, kw_only=True,
    )  # fmt: skip
    return cast("type[Event]", made)
