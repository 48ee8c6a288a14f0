"""One event as it is seen outside the database, with what it changed and the state after it."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from app.codecs.value import Json, Tree
from app.history import terms
from app.history.masking import Shown
from app.history.names import api_name, fields_of
from app.history.times import time_text
from app.log.audited import AuditedEvent
from domain.event import kind_of
from domain.stored import EVENTS
from projections.catalog import CURRENT
from projections.fold import Folded, Recorded, fold


class Change(Struct, frozen=True):
    """A field before and after an event, or at two moments."""

    before: Json
    after: Json


class Event(Struct, frozen=True, kw_only=True, rename="camel"):
    """One event as seen outside the database; parts that were not asked for are absent."""

    partition: int
    position: int
    stream: UUID
    version: int
    session_id: str
    """As the APIs give it; of other streams `account:ID`, `principal:NAME`, `audit:NAME`."""
    type: str
    event_id: UUID
    recorded_at: str
    """UTC, with microseconds."""
    actor: str
    metadata: Raw
    data: dict[str, Json]
    """By the API's names of fields. A sealed field that cannot be opened is null."""
    unreadable: str | UnsetType = UNSET
    """Why the event cannot be read as a whole; absent if it can."""
    erased: list[str] | UnsetType = UNSET
    """The fields, in `data` or in the state, whose values are erased: they are null. Absent: none.
    """
    changed: dict[str, Change] | UnsetType = UNSET
    state: dict[str, Json] | UnsetType | None = UNSET
    """Null if no event so far could be folded."""
    previous: str | UnsetType | None = UNSET
    """Link to the event before it in its partition; null: it is the first."""
    next: str | UnsetType | None = UNSET
    """Link to the event after it in its partition; null: it is the last so far."""

    @property
    def place(self) -> str:
        """The position with its partition: `0:17`."""
        return f"{self.partition}:{self.position}"


class Call(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the metadata of an event say of the call that caused it, as far as lists show it."""

    roles: list[str] = []
    face: str | None = None
    operation: str | None = None
    client: str | None = None
    request_id: str | None = None


_CALL = msgspec.json.Decoder(Call)


def call_of(metadata: Raw) -> Call:
    """The call that caused an event; empty if somebody damaged the metadata."""
    try:
        return _CALL.decode(metadata)
    except msgspec.MsgspecError:
        return Call()


class Identity(Struct, frozen=True):
    """What a stream is: the kind of its first event, and its session's id."""

    kind: str
    session_id: str


class Step(Struct, frozen=True):
    """An event with the states of its stream before and after it.

    Both are the last ones that could be folded: an event that cannot be read changes nothing.
    """

    event: AuditedEvent
    before: Folded[Any] | None
    after: Folded[Any] | None


class Parts(Struct, frozen=True):
    """The parts of an event that are asked for beside those that it always has."""

    changed: bool = False
    state: bool = False
    clear: bool = False
    """Whether personal values are shown as they are."""

    @property
    def needs_states(self) -> bool:
        """Whether the stream has to be folded."""
        return self.changed or self.state


def stepped(kind: str, before: Folded[Any] | None, event: AuditedEvent) -> Folded[Any] | None:
    """The stream after one more event, which may be unreadable or fail to fold."""
    if not isinstance(event.recorded, Recorded):
        return before
    try:
        return fold(CURRENT[kind].evolve, before, event.recorded, kind)
    except Exception:  # damaged events may fail to fold with any error
        return before


def shown_event(step: Step, identity: Identity, parts: Parts) -> Event:
    """The event of a step."""
    event, shown = step.event, Shown(identity.kind, parts.clear)
    # (An event that strayed in from another kind has the names, and the secrets, of its own.)
    data, reason = _data(event, Shown(kind_of(event.topic), parts.clear))
    return Event(
        partition=event.partition,
        position=event.position,
        stream=event.stream,
        version=event.version,
        session_id=identity.session_id,
        type=event.topic,
        event_id=event.event_id,
        recorded_at=time_text(event.recorded_at),
        actor=event.actor,
        metadata=event.metadata,
        data=data,
        unreadable=reason,
        erased=_erased(step, shown, parts) or UNSET,
        changed=changes(step.before, step.after, shown) if parts.changed else UNSET,
        state=state_tree(step.after, shown) if parts.state else UNSET,
    )


def _erased(step: Step, shown: Shown, parts: Parts) -> list[str]:
    """The names of the erased fields of an event, and of those of the state if it is shown."""
    found: list[str] = []
    if isinstance(step.event.recorded, Recorded) and step.event.recorded.erased:
        own = step.event.recorded.event
        kind = kind_of(own.topic)
        found += [api_name(kind, type(own), name) for name in step.event.recorded.erased]
    if parts.state and step.after is not None:
        found += [fields_of(shown.kind)[name] for name in step.after.erased]
    return list(dict.fromkeys(found))


def state_tree(folded: Folded[Any] | None, shown: Shown) -> dict[str, Tree] | None:
    """All fields of a state."""
    return None if folded is None else shown.members(folded.state)


def changes(
    before: Folded[Any] | None, after: Folded[Any] | None, shown: Shown
) -> dict[str, Change]:
    """The fields that differ between two states of a stream, by the API's names."""
    return {
        fields_of(shown.kind)[name]: Change(
            None if before is None else shown.value(name, getattr(before.state, name)),
            None if after is None else shown.value(name, getattr(after.state, name)),
        )
        for name in changed_fields(before, after)
    }


def changed_fields(before: Folded[Any] | None, after: Folded[Any] | None) -> list[str]:
    """The own names of the fields that differ; without a state before, from the defaults."""
    if before is after:
        return []
    if after is None:
        before, after = after, before
    assert after is not None  # not both are None
    return terms.changed_fields(None if before is None else before.state, after.state)


def _data(event: AuditedEvent, shown: Shown) -> tuple[dict[str, Tree], str | UnsetType]:
    """The fields of an event, and the reason if it cannot be read as a whole."""
    if isinstance(event.recorded, Recorded):
        return shown.members(event.recorded.event), UNSET
    plain = terms.stored_fields(event.state)
    if plain is None:
        return {}, "the event is damaged"
    return shown.stored(plain, EVENTS.get(event.topic)), _reason(event)


def _reason(event: AuditedEvent) -> str:
    cause = getattr(event.recorded, "__cause__", None)
    if cause is None or cause.__cause__ is not None:  # in a decoder's words, which may quote
        return "the event is damaged"
    return str(cause)
