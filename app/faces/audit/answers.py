"""Writes what was found in the form that is asked for, within the limit of an answer's size."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from urllib.parse import quote, urlencode

import msgspec
from msgspec import UNSET, Struct

from app.codecs import csv_text
from app.codecs.answer_budget import AnswerBudget
from app.faces.audit.pages.lists import list_page
from app.faces.audit.pages.one import event_page
from app.history.one_event import Event, call_of
from app.history.quarantined import Quarantined
from app.http.request import Headers, Reply, Request, quarantine_headers
from app.pages.forms import Form
from app.pages.twins import reply
from app.proof.one_line import one_line

COLUMNS = (
    "position", "recordedAt", "actor", "type", "operation", "sessionId", "version", "changed",
)  # fmt: skip
_ENCODER = msgspec.json.Encoder()


class Page(Struct, frozen=True):
    """Some events, as they are written, and the last one of them."""

    written: list[bytes]
    """Empty for a page, which shows the events in its own way."""
    events: list[Event]
    """The events of a page."""
    last: Event | None
    has_more: bool
    reached: Mapping[int, Event]
    """The last event of each partition that is written."""


async def page_of(
    events: AsyncIterator[Event], form: Form, limit: int, budget: AnswerBudget
) -> Page:
    """The first events, as many as are asked for and fit; at least one, unless there is none.

    Raises AnswerTooLarge if not even the first one fits.
    """
    written: list[bytes] = []
    shown: list[Event] = []
    count = 0
    reached: dict[int, Event] = {}
    last: Event | None = None
    async for event in events:
        part = write_event(event, form)
        if count == limit or (len(part) > budget.left and count):
            return Page(written, shown, last, True, reached)
        budget.spend(len(part))
        count += 1
        if form is Form.HTML:
            shown.append(event)
        else:
            written.append(part)
        reached[event.partition] = event
        last = event
    return Page(written, shown, last, False, reached)


def write_event(event: Event, form: Form) -> bytes:
    """One event of a list."""
    match form:
        case Form.JSON | Form.HTML:
            return _ENCODER.encode(event)
        case Form.NDJSON:
            return one_line(_ENCODER.encode(event)) + b"\n"
        case Form.CSV:
            return csv_text.row(_cells(event))


def events_reply(
    request: Request,
    form: Form,
    page: Page,
    next_url: str | None,
    quarantine: Sequence[Quarantined] = (),
) -> Reply:
    """The answer with a page of events; `quarantine`: the followers in which their stream waits."""
    headers: Headers = [] if next_url is None else [link(next_url, "next")]
    headers = (*headers, *quarantine_headers(1 if quarantine else 0))
    match form:
        case Form.JSON:
            parts = [b'{"events":[', b",".join(page.written), b'],"next":']
            waits = [b',"quarantine":', _ENCODER.encode(quarantine)] if quarantine else []
            body = b"".join([*parts, _ENCODER.encode(next_url), *waits, b"}"])
        case Form.NDJSON:
            body = b"".join(page.written)
        case Form.CSV:
            body = csv_text.row(COLUMNS) + b"".join(page.written)
        case Form.HTML:
            return list_page(request, page.events, next_url, headers)
    return reply(form, body, headers)


def event_reply(request: Request, form: Form, event: Event, headers: Headers = ()) -> Reply:
    """The answer with one event."""
    links = [
        link(url, relation)
        for url, relation in ((event.previous, "prev"), (event.next, "next"))
        if isinstance(url, str)
    ]
    if form in (Form.JSON, Form.NDJSON):
        return reply(form, write_event(event, form), (*headers, *links))
    if form is Form.HTML:
        return event_page(request, event, (*headers, *links))
    columns, cells = [*COLUMNS], _cells(event)
    if event.state is not UNSET:
        columns.append("state")
        cells.append(_json_text(event.state))
    return reply(form, csv_text.row(columns) + csv_text.row(cells), (*headers, *links))


def url_with(request: Request, **changed: str | None) -> str:
    """The URL of a request with some parameters changed, or without them."""
    kept = [(name, value) for name, value in request.pairs if name.lower() not in _lower(changed)]
    added = [(name, value) for name, value in changed.items() if value is not None]
    query = urlencode([*kept, *added], quote_via=quote, safe=":,")
    path = f"/{quote(request.location, safe='/:')}"
    suffix = f".{request.suffix}" if request.suffix else ""
    return f"{request.base_url}{path}{suffix}" + (f"?{query}" if query else "")


def event_url(request: Request, place: str) -> str:
    """The URL of an event."""
    return f"{request.base_url}/audit/events/{place}"


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def link(url: str, relation: str) -> tuple[bytes, bytes]:
    """A header that links to another answer."""
    return b"link", f'<{url}>; rel="{relation}"'.encode()


def _cells(event: Event) -> list[object]:
    return [
        event.place,
        event.recorded_at,
        event.actor,
        event.type,
        call_of(event.metadata).operation,
        event.session_id,
        event.version,
        "" if event.changed is UNSET else _json_text(event.changed),
    ]


def _json_text(value: object) -> str:
    return _ENCODER.encode(value).decode()
