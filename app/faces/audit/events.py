"""Events of the whole log: searched for, one by one, and those of who had access."""

import re
from uuid import UUID

from msgspec.structs import replace

from app.codecs.answer_budget import AnswerBudget
from app.codecs.json_text import BadInput
from app.faces.audit.answers import event_reply, event_url, events_reply, page_of, url_with
from app.faces.audit.filters import FILTERS, Known, bounds_from, query_of
from app.faces.audit.query import PARTS, Query
from app.faces.audit.viewing import record_view
from app.history.access import access_events, is_known
from app.history.moments import present_cut
from app.history.reader import Reader, in_blocks
from app.history.search import find
from app.http.request import Reply, Request
from app.log.audited import AuditedEvent
from app.pages.forms import Form, form_of
from app.service import Service
from domain.errors import NotFound

_PLACE = re.compile(r"(?P<partition>[0-9]{1,4}):(?P<position>[0-9]{1,18})")
_SHOWN = 60


async def find_events(known: Known, request: Request, service: Service) -> Reply:
    """`GET /audit/events`: newest first, unless `reverse=true`."""
    query, form = Query(request, (*FILTERS, *PARTS)), form_of(request)
    parts, reader = query.parts(changed=form is Form.HTML), service.reader
    wanted = await query_of(reader, known, query)
    found = await find(service.log, wanted)
    shown = reader.shown(in_blocks(found.events), parts)
    page = await page_of(shown, form, wanted.limit, AnswerBudget(service.settings.answer_bytes))
    more = page.last if page.has_more or found.has_more else None
    towards = "after" if wanted.reverse else "before"
    next_url = None if more is None else url_with(request, **{towards: more.place})
    await record_view(request, service, query)
    return events_reply(request, form, page, next_url)


async def get_event(request: Request, service: Service) -> Reply:
    """`GET /audit/events/{position | event id}`: one event, with links to its neighbours."""
    query, form = Query(request, PARTS), form_of(request)
    parts, reader = query.parts(changed=form is Form.HTML), service.reader
    found = await _event_named(reader, request.path["event"])
    async for event in reader.shown(in_blocks([found]), parts):
        ends = await present_cut(reader.store)
        partition, position = found.partition, found.position
        neighbours = [
            event_url(request, f"{partition}:{other}") if 0 < other <= ends[partition] else None
            for other in (position - 1, position + 1)
        ]
        await record_view(request, service, query)
        linked = replace(event, previous=neighbours[0], next=neighbours[1])
        return event_reply(request, form, linked)
    raise NotFound("Event", request.path["event"][:_SHOWN])


async def list_access(request: Request, service: Service) -> Reply:
    """`GET /audit/access`: events of principals, and views of personal data, newest first."""
    names = ("principal", "since", "until", "before", "after", "limit", *PARTS)
    query, form = Query(request, names), form_of(request)
    parts, reader = query.parts(changed=form is Form.HTML), service.reader
    limit = query.limit()
    principal = query.text("principal")
    if principal is not None and not await is_known(reader, principal):
        raise NotFound("Principal", principal[:_SHOWN])
    bounds = await bounds_from(reader, query)
    found = await access_events(reader, bounds, principal, most=limit + 1)
    shown = reader.shown(in_blocks(found), parts)
    page = await page_of(shown, form, limit, AnswerBudget(service.settings.answer_bytes))
    last = page.last if page.has_more else None
    await record_view(request, service, query)
    next_url = None if last is None else url_with(request, before=last.place)
    return events_reply(request, form, page, next_url)


async def _event_named(reader: Reader, text: str) -> AuditedEvent:
    """The event at a position, or with an id. Raises BadInput, NotFound, StoreDown."""
    place = _PLACE.fullmatch(text)
    if place is not None:
        at: tuple[int, int] | None = (int(place["partition"]), int(place["position"]))
    else:
        try:
            at = await reader.place_of(UUID(text))
        except ValueError:
            raise BadInput(
                f"An event has a position such as 0:17, or an id, not {text[:_SHOWN]!r}",
                field="event",
            ) from None
    found = None if at is None else await reader.event(*at)
    if found is None:
        raise NotFound("Event", text[:_SHOWN])
    return found
