"""The fold that all views share: a stream's state, its actors, its times and its position."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Event, kind_of
from domain.ids import StreamId

S = TypeVar("S")


class Recorded(Struct, frozen=True, kw_only=True):
    """An event with the log's metadata."""

    partition: int
    position: int
    stream: StreamId
    version: int
    event: Event
    event_id: UUID
    recorded_at: datetime  # UTC; never runs backwards within a partition
    actor: str
    erased: Sequence[str] = ()
    """The fields of the event whose key was erased: they are None in it."""


class Audit(Struct, frozen=True, kw_only=True, gc=False):
    """The actors and times of a stream: folded from the log's metadata, never sent by a client."""

    created_by: str
    created_at: datetime
    modified_by: str
    modified_at: datetime


class Folded(Struct, Generic[S], frozen=True, kw_only=True, gc=False):
    """A stream folded up to one of its versions."""

    stream: StreamId
    partition: int
    version: int
    position: int
    audit: Audit
    state: S
    erased: Sequence[str] = ()
    """The state's fields that are None because their values are erased, as far as events of the log
    were folded: a view's row does not say it.
    """


def fold(
    evolve: Callable[[Any, Any], S], before: Folded[S] | None, recorded: Recorded, kind: str
) -> Folded[S]:
    """A stream of the given kind after one more recorded event.

    An event of another kind is passed over: it counts as a version, but changes nothing.
    """
    if before is not None and is_stray(recorded, kind):
        return replace(before, version=recorded.version, position=recorded.position)
    folded = advance(
        before,
        evolve(None if before is None else before.state, recorded.event),
        stream=recorded.stream,
        partition=recorded.partition,
        version=recorded.version,
        position=recorded.position,
        actor=recorded.actor,
        at=recorded.recorded_at,
    )
    known = () if before is None else before.erased
    return (
        replace(folded, erased=_erased(known, recorded, folded.state))
        if (known or recorded.erased)
        else folded
    )


def _erased(known: Sequence[str], recorded: Recorded, state: object) -> Sequence[str]:
    """The fields that are erased after an event; `known`: those before it."""
    copies = recorded.event.copies
    given = [each for name in recorded.erased for each in copies.get(name, (name,))]
    # (What has a value again is not erased; an erased member of a list leaves its item.)
    values = {name: getattr(state, name, "") for name in (*known, *given)}
    return [name for name, value in values.items() if value is None or _has_items(value)]


def _has_items(value: object) -> bool:
    return isinstance(value, tuple) and bool(value)


def is_stray(recorded: Recorded, kind: str) -> bool:
    """Whether an event is of another kind than its stream.

    A stream has the kind of its first event. The append refuses such events, but an older release
    accepted them.
    """
    return kind_of(recorded.event.topic) != kind


def advance(
    before: Folded[S] | None,
    state: S,
    *,
    stream: StreamId,
    partition: int,
    version: int,
    position: int,
    actor: str,
    at: datetime,
) -> Folded[S]:
    """The stream after `actor` brought it to `state` at `at`."""
    created_by, created_at = (
        (actor, at) if before is None else (before.audit.created_by, before.audit.created_at)
    )
    return Folded(
        stream=stream,
        partition=partition,
        version=version,
        position=position,
        audit=Audit(
            created_by=created_by, created_at=created_at, modified_by=actor, modified_at=at
        ),
        state=state,
    )
