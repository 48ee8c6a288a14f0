"""Personal data is erased: of one session, or of a person in all sessions."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from app.codecs.json_text import decode
from app.erasure.erase import Eraser, require_reason
from app.erasure.of_person import of_person
from app.faces.audit.query import Query
from app.history.sessions import session_named
from app.http.request import Reply, Request
from app.pages.forms import Form
from app.pages.twins import reply
from app.service import Service
from domain.event import Subject

_ALL: tuple[Subject, ...] = ("customer", "agent")


class _OfSession(Struct, forbid_unknown_fields=True):
    """Why, and whose data of the session: without `subjects` the customer's and the agents'."""

    reason: str | None = None
    subjects: Annotated[list[Subject], Meta(min_length=1, max_length=2)] | None = None


class _OfPerson(Struct, forbid_unknown_fields=True):
    email: str
    reason: str | None = None


_SESSION = msgspec.json.Decoder(_OfSession)
_PERSON = msgspec.json.Decoder(_OfPerson)


async def erase_session(request: Request, service: Service) -> Reply:
    """`DELETE /audit/sessions/{id}/personal-data`: what was erased."""
    Query(request, ())
    asked = decode(_SESSION, request.body) if request.body.strip() else _OfSession()
    reason = require_reason(asked.reason)
    session = await session_named(service.reader, request.path["id"])
    subjects = tuple(asked.subjects or _ALL)
    eraser = Eraser(service.log, service.reader, request.call(), reason)
    done = await eraser.of_sessions([session], lambda _: subjects)
    return reply(Form.JSON, msgspec.json.encode(done))


async def erase_person(request: Request, service: Service) -> Reply:
    """`POST /audit/people/erase`: what was erased, in all sessions that hold the address."""
    Query(request, ())
    asked = decode(_PERSON, request.body)
    reason = require_reason(asked.reason)
    found = await of_person(service.log, service.reader, asked.email)
    eraser = Eraser(service.log, service.reader, request.call(), reason)
    done = await eraser.of_sessions(found.sessions, lambda each: found.subjects[each.stream])
    return reply(Form.JSON, msgspec.json.encode(replace(done, mentioned=found.mentioned)))
