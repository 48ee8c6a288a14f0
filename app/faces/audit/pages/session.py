"""The pages of one session: its state at a moment, what differs, and what it went through."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from app.codecs.value import Tree
from app.faces.audit.pages import times
from app.faces.audit.pages.asked import Asked
from app.faces.audit.pages.rows import (
    Budget,
    ChangeRow,
    Narrowed,
    Value,
    fields_of_state,
    rows_of,
    session_url,
    text_of,
)
from app.faces.audit.pages.words import ENDS
from app.history import sessions
from app.history.one_event import Event
from app.history.quarantined import Quarantined, quarantine_of
from app.history.reader import Reader
from app.history.sessions import Session, SetBy, version_at
from app.history.terms import type_name
from app.http.request import Headers, Reply, Request
from app.log.audited import AuditedEvent
from app.pages.answer import page

PAGE_EVENTS = 50
MAX_FOLDED = 1_000
"""Events of a session for which a page names who set each field; a longer one has a link to it."""
_ROOM = 30_000
_KINDS = {
    "ai_session": "AI session",
    "chat_session": "Chat session",
    "account": "Account",
    "principal": "User",
    "audit": "Views by",
    "hold": "Hold on",
}
_BYTES = {
    "ai_session": ("evo", ("json", "xml", "jsv", "csv")),
    "account": ("evo", ("json", "xml", "jsv", "csv")),
    "chat_session": ("superoffice", ("json", "xml")),
}
"""The face whose answers a kind's sessions had, and the formats of these."""


class Head(Struct, frozen=True, kw_only=True):
    """What stands above each page of a session."""

    title: str
    url: str
    session_id: str
    kind: str
    is_over: bool
    count: int
    first: AuditedEvent
    last: AuditedEvent
    first_time: str
    last_time: str
    waits: Sequence[Quarantined]
    """The followers in which it waits."""
    as_of: str
    """How the moment was understood; empty: now."""
    tail_url: str
    """The address of the last events of the history."""


class FieldRow(Struct, frozen=True):
    """A field of a state, and who set it last."""

    name: str
    value: Value
    set_by: SetBy | None
    set_at: str


async def state_page(
    request: Request,
    reader: Reader,
    session: Session,
    event: Event,
    headers: Headers,
    *,
    clear: bool,
) -> Reply:
    """The page of a session at a moment, which is given by its last event then.

    Raises BadInput for a moment to compare with that is none, StoreDown.
    """
    asked = Asked(request)
    head = await _head(reader, session, asked, event.version)
    state = event.state if isinstance(event.state, dict) else {}
    shown, defaults = fields_of_state(state)
    budget = Budget(_ROOM, _ROOM)
    rows = rows_of([event], asked.clock.zone, budget, fold=False)
    set_by = await _set_by(reader, session, event.version)
    return page(
        request,
        "audit/session.html.jinja",
        headers=headers,
        asked=asked,
        head=head,
        event=event,
        row=rows[0],
        fields=_fields(shown, set_by, budget, asked),
        defaults=defaults,
        has_set_by=set_by is not None,
        is_now=event.version == head.count,
        difference=await _difference(reader, session, asked, event.version, clear=clear),
        answered=_BYTES.get(session.kind),
        narrowed=Narrowed(),
        exports=asked.exports(clear=True),
    )


async def history_page(
    request: Request,
    reader: Reader,
    session: Session,
    events: Sequence[Event],
    next_url: str | None,
    headers: Headers,
) -> Reply:
    """The page of what a session went through. Raises StoreDown."""
    asked = Asked(request)
    head = await _head(reader, session, asked, None)
    return page(
        request,
        "audit/history.html.jinja",
        headers=headers,
        asked=asked,
        head=head,
        rows=rows_of(events, asked.clock.zone, Budget(), gaps=True, fold=False),
        narrowed=Narrowed(),
        following=(next_url or "").removeprefix(request.base_url),
        exports=asked.exports(clear=True),
    )


async def views_page(
    request: Request,
    reader: Reader,
    session: Session,
    events: Sequence[Event],
    next_url: str | None,
    headers: Headers,
) -> Reply:
    """The page of who saw personal data of a session. Raises StoreDown."""
    asked = Asked(request)
    return page(
        request,
        "audit/views.html.jinja",
        headers=headers,
        asked=asked,
        head=await _head(reader, session, asked, None),
        rows=rows_of(events, asked.clock.zone, Budget(), fold=False),
        narrowed=Narrowed(),
        following=(next_url or "").removeprefix(request.base_url),
        exports=asked.exports(clear=True),
    )


async def _head(reader: Reader, session: Session, asked: Asked, version: int | None) -> Head:
    """`version`: at the moment that is asked about, if any."""
    count, _ = await version_at(reader, session, None, "asOf", asked.clock)
    (first,) = await reader.versions(session.stream, until=1, most=1)
    found = await reader.versions(session.stream, after=count - 1, until=count, most=1)
    last = found[0] if found else first
    url, zone = session_url(session.name), asked.clock.zone
    name = session.session_id.partition(":")[2] or session.session_id
    return Head(
        title=f"{_KINDS.get(session.kind, 'Session')} {name}",
        url=url,
        session_id=session.session_id,
        kind=session.kind,
        is_over=type_name(last.topic) in ENDS,
        count=count,
        first=first,
        last=last,
        first_time=times.shown(first.recorded_at, zone),
        last_time=times.shown(last.recorded_at, zone),
        waits=await quarantine_of(reader.store, first.partition, session.stream),
        as_of="" if version is None else _as_of(asked),
        tail_url=f"{url}/history?after={max(0, count - PAGE_EVENTS)}",
    )


def _as_of(asked: Asked) -> str:
    return times.understood(asked.text("asOf") or None, "asOf", asked.clock)


async def _set_by(reader: Reader, session: Session, version: int) -> Mapping[str, SetBy] | None:
    """Who set each field last; None: a page does not fold so many events for it."""
    if version > MAX_FOLDED:
        return None
    return (await sessions.provenance(reader, session, version)).fields


def _fields(
    state: Mapping[str, Tree], set_by: Mapping[str, SetBy] | None, budget: Budget, asked: Asked
) -> list[FieldRow]:
    rows = []
    for name, tree in state.items():
        found = None if set_by is None else set_by.get(name)
        at = "" if found is None else times.shown(times.read(found.recorded_at), asked.clock.zone)
        rows.append(FieldRow(name, budget.value(tree), found, at))
    return rows


class _Difference(Struct, frozen=True, kw_only=True):
    understood: str
    from_version: int
    to_version: int
    changes: list[ChangeRow]


async def _difference(
    reader: Reader, session: Session, asked: Asked, version: int, *, clear: bool
) -> _Difference | None:
    """What differs between the moment that is shown and another one, the earlier one first."""
    text = asked.text("compare")
    if not text:
        return None
    other, _ = await version_at(reader, session, text, "compare", asked.clock)
    first, last = sorted((other, version))
    found = await sessions.difference(reader, session, first, last, clear=clear)
    return _Difference(
        understood=times.understood(text, "compare", asked.clock),
        from_version=first,
        to_version=last,
        changes=[
            ChangeRow(name, text_of(change.before), text_of(change.after))
            for name, change in found.changed.items()
        ],
    )
