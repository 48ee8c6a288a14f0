"""What is held on a person: found, shown masked or by a reason, and exported as a whole."""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

import msgspec

from app.codecs.answer_budget import AnswerBudget
from app.codecs.json_text import BadInput
from app.erasure import people
from app.erasure.people import Held
from app.erasure.search import Person, require_sense
from app.faces.audit.answers import link, url_with
from app.faces.audit.pages.people import people_page
from app.faces.audit.query import Query
from app.faces.audit.viewing import record_view
from app.http.request import Reply, Request
from app.pages.forms import CONTENT_TYPES, Form, form_of
from app.pages.twins import Table, table_reply
from app.service import Service
from domain.ids import StreamId

BY = ("email", "phone", "name")
_COLUMNS = ("sessionId", "kind", "state", "events", "firstAt", "lastAt", "holds", "hold")
_PART_BYTES = 32 * 1024
_ATTACHMENT = (b"content-disposition", b'attachment; filename="person.jsonl"')


async def find_people(request: Request, service: Service) -> Reply:
    """`GET /audit/people?email=&phone=&name=`: sessions that hold it, and users of that name."""
    query, form = Query(request, (*BY, "after", "limit")), form_of(request)
    person, limit, clear = _person(query), query.limit(), query.reason() is not None
    if form is Form.HTML and not any(map(query.text, BY)):
        return people_page(request, None, None)
    require_sense(person)
    held = await people.held_on(
        service.log, service.reader, person, after=_after(query), most=limit, clear=clear
    )
    await record_view(request, service, query, [each.session_id for each in held.sessions])
    next_url = None if held.next is None else url_with(request, after=held.next)
    if form is Form.HTML:
        return people_page(request, held, next_url)
    return _within(service, _reply(form, held, next_url))


async def export_person(request: Request, service: Service) -> Reply:
    """`GET /audit/people/export?email=&personal=true&reason=`: all of it, as JSON Lines."""
    query = Query(request, BY)
    person = _person(query)
    require_sense(person)
    if query.reason() is None:
        raise BadInput(
            "An export is personal data: it takes personal=true and a reason", field="reason"
        )
    lines = _lines(request, service, query, person)
    first = await anext(lines)  # what is wrong from the beginning is an answer of its own
    stream = _joined(first, lines)
    return Reply(200, b"", (_ATTACHMENT,), CONTENT_TYPES[Form.NDJSON], stream)


async def _lines(
    request: Request, service: Service, query: Query, person: Person
) -> AsyncGenerator[bytes, None]:
    """Lines in parts; each session's view is on record before them."""

    async def on_record(sessions: Sequence[str]) -> None:
        await record_view(request, service, query, sessions)

    part: list[bytes] = []
    size = 0
    async for line in people.export(service.log, service.reader, person, on_record):
        part.append(bytes(line) + b"\n")
        size += len(part[-1])
        if size >= _PART_BYTES:
            yield b"".join(part)
            part, size = [], 0
    yield b"".join(part)


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield first
    async for part in rest:
        yield part


def _person(query: Query) -> Person:
    return Person(email=query.text("email"), phone=query.text("phone"), name=query.text("name"))


def _after(query: Query) -> StreamId | None:
    """The stream at which the page before ended. Raises BadInput."""
    text = query.text("after")
    try:
        return None if text is None else StreamId(UUID(text))
    except ValueError:
        raise BadInput("after takes what `next` of the page before has", field="after") from None


def _reply(form: Form, held: Held, next_url: str | None) -> Reply:
    rows = msgspec.to_builtins(held.sessions)
    whole = {**msgspec.to_builtins(held), "next": next_url}
    headers = [] if next_url is None else [link(next_url, "next")]
    return table_reply(form, Table(whole, rows, _COLUMNS), headers)


def _within(service: Service, reply: Reply) -> Reply:
    """An answer, unless it is too large. Raises AnswerTooLarge."""
    AnswerBudget(service.settings.answer_bytes, "a smaller limit").require(reply.body)
    return reply
