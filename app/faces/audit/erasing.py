"""Personal data is erased, of one session or of a person in all: the answer is the receipt."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from app.codecs.formats import media_type
from app.codecs.json_text import decode
from app.erasure.ground import require_reason
from app.faces.audit.erase_form import eraser_of, person_erased, sent_form
from app.faces.audit.query import Query
from app.faces.audit.receipts import receipt_reply
from app.history.sessions import session_named
from app.http.forms import FORM
from app.http.request import Reply, Request
from app.service import Service
from domain.event import Subject

_ALL: tuple[Subject, ...] = ("customer", "agent")


class _OfSession(Struct, forbid_unknown_fields=True, rename="camel"):
    """Why, who else approved, and whose data of the session.

    Without `subjects` the customer's and the agents'.
    """

    reason: str | None = None
    subjects: Annotated[list[Subject], Meta(min_length=1, max_length=2)] | None = None
    approved_by: str | None = None


class _OfPerson(Struct, forbid_unknown_fields=True, rename="camel"):
    email: str
    reason: str | None = None
    approved_by: str | None = None


_SESSION = msgspec.json.Decoder(_OfSession)
_PERSON = msgspec.json.Decoder(_OfPerson)


async def erase_session(request: Request, service: Service) -> Reply:
    """`DELETE /audit/sessions/{id}/personal-data`: the receipt."""
    Query(request, ())
    asked = decode(_SESSION, request.body) if request.body.strip() else _OfSession()
    reason = require_reason(asked.reason)
    session = await session_named(service.reader, request.path["id"])
    subjects = tuple(asked.subjects or _ALL)
    eraser = await eraser_of(request, service, reason, asked.approved_by)
    done = await eraser.of_sessions([session], lambda _: subjects)
    return await receipt_reply(service, UUID(done.erasure_id))


async def erase_person(request: Request, service: Service) -> Reply:
    """`POST /audit/people/erase`: the receipt, of all sessions that hold the address."""
    Query(request, ())
    if media_type(request.headers.get(b"content-type")) == FORM:
        return await sent_form(request, service)
    asked = decode(_PERSON, request.body)
    reason = require_reason(asked.reason)
    eraser = await eraser_of(request, service, reason, asked.approved_by)
    done = await person_erased(service, eraser, asked.email)
    return await receipt_reply(service, UUID(done.erasure_id))
