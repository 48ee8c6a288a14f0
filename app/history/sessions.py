"""The history of one session: its events, its state then, who set what, what changed between."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from app.codecs.json_text import BadInput
from app.codecs.value import Json
from app.history.masking import Shown
from app.history.moments import Cut, Version, cut_of, parse, present_cut
from app.history.named import stream_named
from app.history.names import field_named, fields_of
from app.history.one_event import (
    Change,
    Event,
    Parts,
    Step,
    call_of,
    changed_fields,
    changes,
    stepped,
)
from app.history.reader import BLOCK_EVENTS, Reader, Showing
from app.history.times import time_text
from app.log.audited import AuditedEvent
from app.log.read import LAST_VERSION
from domain.errors import NotFound
from domain.ids import StreamId
from projections.fold import Folded


class Session(Struct, frozen=True):
    """A stream that has events, as somebody named it."""

    name: str
    stream: StreamId
    kind: str
    session_id: str


class Clock(Struct, frozen=True):
    """How times are read that a request names."""

    now: datetime
    zone: tzinfo


class SetBy(Struct, frozen=True, kw_only=True, rename="camel"):
    """The event that set a field."""

    version: int
    position: str
    event_id: str
    recorded_at: str
    actor: str
    operation: str | None
    request_id: str | None
    before: Json | UnsetType = UNSET
    """Only where the whole life of a field is shown, as `after`."""
    after: Json | UnsetType = UNSET


class Provenance(Struct, frozen=True, kw_only=True, rename="camel"):
    """For each field, by the API's name, the event that last set it."""

    session_id: str
    version: int
    fields: Mapping[str, SetBy]


class FieldLife(Struct, frozen=True, kw_only=True):
    """All events that set a field, oldest first."""

    field: str
    history: list[SetBy]


class At(Struct, frozen=True, rename="camel"):
    """A version of a session; 0: there was none yet."""

    version: int
    recorded_at: str | None


class Difference(Struct, frozen=True, rename={"from_": "from"}):
    """The fields that differ between two versions of a session."""

    from_: At
    to: At
    changed: dict[str, Change]


async def session_named(reader: Reader, name: str) -> Session:
    """The session, account or principal that a name means. Raises NotFound, StoreDown."""
    try:
        stream = stream_named(name)
    except ValueError:
        raise NotFound("Session", name[:100]) from None
    if not await reader.versions(stream, until=1, most=1):
        raise NotFound("Session", name[:100])
    identity = await reader.identity(stream)
    return Session(name, stream, identity.kind, identity.session_id)


async def version_at(
    reader: Reader, session: Session, text: str | None, field: str, clock: Clock
) -> tuple[int, Cut]:
    """The version of a session at a moment, and the moment's cut; 0: before its first event.

    `text`: None means now; `field`: the parameter that gave it. Raises BadInput, StoreDown.
    """
    if text is None:
        cut = await present_cut(reader.store)
    else:
        moment = parse(text, field, zone=clock.zone, now=clock.now)
        cut = await cut_of(reader.store, moment, field, stream=session.stream, now=clock.now)
        if isinstance(moment, Version):
            return moment.number, cut
    position = cut[reader.partition(session.stream)]
    return await reader.version_at(session.stream, position) or 0, cut


async def history(
    reader: Reader, stream: StreamId, *, after: int = 0, until: int = LAST_VERSION, parts: Parts
) -> Showing:
    """The events of a stream after a version, oldest first, as long as somebody takes them."""
    pages = reader.pages(stream, after=after, until=until, most=BLOCK_EVENTS)
    async for event in reader.shown(pages, parts):
        yield event


async def event_at(reader: Reader, session: Session, version: int, parts: Parts) -> Event:
    """The event of a version, with the parts that are asked for. Raises NotFound, StoreDown."""
    async for event in history(
        reader, session.stream, after=version - 1, until=version, parts=parts
    ):
        return event
    raise NotFound("Session", session.name)


async def provenance(reader: Reader, session: Session, until: int = LAST_VERSION) -> Provenance:
    """Who last set each field, up to a version. Raises StoreDown."""
    names = fields_of(session.kind) if session.kind else {}
    found: dict[str, SetBy] = {}
    version = 0
    async for step in _steps(reader, session, until):
        version = step.event.version
        for name in changed_fields(step.before, step.after):
            found[name] = _set_by(step.event)
    fields = {names[name]: found[name] for name in names if name in found}
    return Provenance(session_id=session.session_id, version=version, fields=fields)


async def life_of(
    reader: Reader, session: Session, field: str, *, until: int = LAST_VERSION, clear: bool
) -> FieldLife:
    """All events that set a field, named as in the API, in any case. Raises BadInput, StoreDown."""
    own = field_named(session.kind, field)
    if own is None:
        known = ", ".join(fields_of(session.kind).values())
        raise BadInput(f"field is none of: {known}", field="field")
    name, shown = fields_of(session.kind)[own], Shown(session.kind, clear)
    life = [
        _set_by(step.event, changes(step.before, step.after, shown)[name])
        async for step in _steps(reader, session, until)
        if own in changed_fields(step.before, step.after)
    ]
    return FieldLife(field=name, history=life)


async def difference(
    reader: Reader, session: Session, from_: int, to: int, *, clear: bool
) -> Difference:
    """The fields that differ between two versions. Raises StoreDown."""
    before = await reader.state(session.kind, session.stream, from_)
    after = await reader.state(session.kind, session.stream, to)
    return Difference(
        from_=await _at(reader, session, from_),
        to=await _at(reader, session, to),
        changed=changes(before, after, Shown(session.kind, clear)),
    )


async def _at(reader: Reader, session: Session, version: int) -> At:
    if version == 0:
        return At(0, None)
    events = await reader.versions(session.stream, after=version - 1, until=version, most=1)
    return At(version, time_text(events[0].recorded_at) if events else None)


async def _steps(reader: Reader, session: Session, until: int) -> AsyncIterator[Step]:
    folded: Folded[Any] | None = None
    async for event in reader.whole(session.stream, until=until):
        before, folded = folded, stepped(session.kind, folded, event)
        yield Step(event, before, folded)


def _set_by(event: AuditedEvent, change: Change | None = None) -> SetBy:
    call = call_of(event.metadata)
    return SetBy(
        version=event.version,
        position=f"{event.partition}:{event.position}",
        event_id=str(event.event_id),
        recorded_at=time_text(event.recorded_at),
        actor=event.actor,
        operation=call.operation,
        request_id=call.request_id,
        before=UNSET if change is None else change.before,
        after=UNSET if change is None else change.after,
    )
