"""One session through time: its history, its state then, who set what, what changed between."""

from typing import Any

import msgspec

from app.codecs.answer_budget import AnswerBudget
from app.codecs.json_text import BadInput
from app.faces.audit.answers import (
    event_reply,
    events_reply,
    link,
    page_of,
    url_with,
)
from app.faces.audit.as_answered import AS, Answered, require_reason
from app.faces.audit.filters import bounds_from
from app.faces.audit.pages.session import history_page, state_page, views_page
from app.faces.audit.pages.table import table_page
from app.faces.audit.query import PARTS, Query
from app.faces.audit.viewing import record_view
from app.history import sessions
from app.history.moments import Cut
from app.history.one_event import Parts
from app.history.quarantined import Quarantined, quarantine_of
from app.history.reader import Reader, in_blocks
from app.history.search import EventQuery, find
from app.history.sessions import Session, SetBy, session_named, version_at
from app.http.request import Headers, Reply, Request, as_of_header, quarantine_headers
from app.log.read import LAST_VERSION
from app.pages.forms import Form, form_of
from app.pages.twins import Table, table_reply
from app.service import Service
from domain.errors import NotFound

_SET_BY = (
    "field", "version", "position", "eventId", "recordedAt", "actor", "operation", "requestId",
    "before", "after",
)  # fmt: skip


async def get_history(request: Request, service: Service) -> Reply:
    """`GET /audit/sessions/{id}/history`: oldest first, always with what changed."""
    query, form = Query(request, ("limit", "after", *PARTS)), form_of(request)
    parts, reader, limit = query.parts(changed=True), service.reader, query.limit()
    session = await session_named(reader, request.path["id"])
    after = 0
    if (text := query.text("after")) is not None and text != "0":
        after, _ = await version_at(reader, session, text, "after", query.clock)
    events = sessions.history(reader, session.stream, after=after, parts=parts)
    page = await page_of(events, form, limit, AnswerBudget(service.settings.answer_bytes))
    last = page.last if page.has_more else None
    await record_view(request, service, query)
    next_url = None if last is None else url_with(request, after=str(last.version))
    waits = await _quarantine(reader, session)
    if form is Form.HTML:
        links = [] if next_url is None else [link(next_url, "next")]
        headers = (*links, *quarantine_headers(1 if waits else 0))
        return await history_page(request, reader, session, page.events, next_url, headers)
    return events_reply(request, form, page, next_url, waits)


async def get_state(answered: Answered, request: Request, service: Service) -> Reply:
    """`GET /audit/sessions/{id}?asOf=`: the last event then, with the state after it.

    With `as=`, the answer that a face gave then.
    """
    query = Query(request, ("asOf", AS, "compare", *PARTS))
    reader, asked = service.reader, query.parts()
    session = await session_named(reader, request.path["id"])
    if (face := answered.face_of(query, session)) is not None:
        version, cut = await version_at(reader, session, query.text("asOf"), "asOf", query.clock)
        folded = await reader.state(session.kind, session.stream, version)
        require_reason(query, folded, session.kind)
        found = await answered.answer(face, session, cut, request, service)
        await record_view(request, service, query)
        return found
    form = form_of(request)
    version, cut = await _as_of(reader, session, query)
    parts = Parts(changed=asked.changed, state=True, clear=asked.clear)
    event = await sessions.event_at(reader, session, version, parts)
    await record_view(request, service, query)
    waits = await _quarantine(reader, session)
    headers = (*_as_of_headers(cut), *quarantine_headers(1 if waits else 0))
    if form is Form.HTML:
        return await state_page(request, reader, session, event, headers, clear=asked.clear)
    return event_reply(request, form, event, headers)


async def get_views(request: Request, service: Service) -> Reply:
    """`GET /audit/sessions/{id}/views`: who saw personal data of it, newest first."""
    query, form = Query(request, ("before", "limit", *PARTS)), form_of(request)
    reader, limit = service.reader, query.limit()
    session = await session_named(reader, request.path["id"])
    before = (await bounds_from(reader, query)).high
    wanted = EventQuery(viewed=session.stream, until=before, limit=limit)
    found = await find(service.log, wanted)
    # (These events are in nobody's words but the auditors' own, and so are not masked.)
    shown = reader.shown(in_blocks(found.events), query.parts())
    page = await page_of(shown, form, limit, AnswerBudget(service.settings.answer_bytes))
    more = page.last if page.has_more or found.has_more else None
    next_url = None if more is None else url_with(request, before=more.place)
    if form is Form.HTML:
        headers = [] if next_url is None else [link(next_url, "next")]
        return await views_page(request, reader, session, page.events, next_url, headers)
    return events_reply(request, form, page, next_url)


async def get_provenance(request: Request, service: Service) -> Reply:
    """`GET /audit/sessions/{id}/provenance`: who last set each field; with `field`, all who did."""
    query, form = Query(request, ("field", "asOf")), form_of(request)
    reader, clear = service.reader, query.parts().clear
    session = await session_named(reader, request.path["id"])
    version, cut = LAST_VERSION, None
    if query.text("asOf") is not None:
        version, cut = await _as_of(reader, session, query)
    if (field := query.text("field")) is not None:
        life = await sessions.life_of(reader, session, field, until=version, clear=clear)
        rows = [_row(life.field, each) for each in life.history]
        table = Table(life, rows, _SET_BY)
    else:
        found = await sessions.provenance(reader, session, version)
        rows = [_row(name, each) for name, each in found.fields.items()]
        table = Table(found, rows, _SET_BY[:-2])
    await record_view(request, service, query)
    return _within(service, _table_reply(request, form, table, _as_of_headers(cut)))


async def get_difference(request: Request, service: Service) -> Reply:
    """`GET /audit/sessions/{id}/diff?from=&to=`: what differs; `to` is now, unless it is given."""
    query, form = Query(request, ("from", "to")), form_of(request)
    reader, clear = service.reader, query.parts().clear
    session = await session_named(reader, request.path["id"])
    start = query.text("from")
    if start is None:
        raise BadInput("from takes the moment to compare with", field="from")
    before, _ = await version_at(reader, session, start, "from", query.clock)
    after, cut = await version_at(reader, session, query.text("to"), "to", query.clock)
    found = await sessions.difference(reader, session, before, after, clear=clear)
    rows = [
        {"field": name, "before": change.before, "after": change.after}
        for name, change in found.changed.items()
    ]
    table = Table(found, rows, ("field", "before", "after"))
    await record_view(request, service, query)
    return _within(service, _table_reply(request, form, table, _as_of_headers(cut)))


def _table_reply(request: Request, form: Form, table: Table, headers: Headers) -> Reply:
    if form is Form.HTML:
        return table_page(request, table.columns, table.rows, headers)
    return table_reply(form, table, headers)


async def _as_of(reader: Reader, session: Session, query: Query) -> tuple[int, Cut]:
    """The version that `asOf` names, and the cut. Raises BadInput, NotFound before the first."""
    version, cut = await version_at(reader, session, query.text("asOf"), "asOf", query.clock)
    if version == 0:
        raise NotFound("Session", f"{session.name} (not yet at that moment)")
    return version, cut


async def _quarantine(reader: Reader, session: Session) -> list[Quarantined]:
    """The followers in which a session waits: what they show of it is stale."""
    stream = session.stream
    return await quarantine_of(reader.store, reader.partition(stream), stream)


def _as_of_headers(cut: Cut | None) -> tuple[tuple[bytes, bytes], ...]:
    return () if cut is None else (as_of_header(cut),)


def _row(field: str, set_by: SetBy) -> dict[str, Any]:
    return {"field": field, **msgspec.to_builtins(set_by)}


def _within(service: Service, reply: Reply) -> Reply:
    """An answer, unless it is too large. Raises AnswerTooLarge."""
    AnswerBudget(service.settings.answer_bytes, "a shorter time").require(reply.body)
    return reply
