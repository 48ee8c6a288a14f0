"""The page on which somebody's personal data is erased: what goes, what stays, and the form."""

import msgspec

from app.codecs.json_text import BadInput
from app.erasure.erase import Eraser
from app.erasure.erasures import erasures
from app.erasure.ground import require_approver, require_reason
from app.erasure.of_person import of_person, of_streams
from app.erasure.people import sessions_of, users_of
from app.erasure.receipts import known
from app.erasure.scope import KEPT, Erased
from app.erasure.search import Person, newest_of, require_sense
from app.faces.audit.pages import times
from app.faces.audit.pages.asked import Asked
from app.faces.audit.query import Query
from app.history.person_terms import normal_email
from app.history.terms import Terms
from app.http.browser import see_other
from app.http.forms import fields, refuse_forged
from app.http.request import Reply, Request
from app.pages.answer import may_audit, page
from app.pages.forms import Form, form_of
from app.pages.twins import Table, table_reply
from app.service import Service
from domain.errors import NotFound

_SHOWN = 60
_PAGE = 50
"""Sessions that the page names; the erasure is of all."""
_DONE = "/audit/people/erasures?id="
_COLUMNS = ("erasureId", "askedBy", "approvedBy", "at", "reason", "sessions")


async def show_form(request: Request, service: Service) -> Reply:
    """`GET /audit/people/erase?email=`: what would go, and the form that confirms it."""
    query = Query(request, ("email",))
    if form_of(request, Form.HTML) is not Form.HTML:
        raise BadInput("This is a page: a program sends a POST with email and reason")
    person = Person(email=query.text("email"))
    require_sense(person)
    log, reader, email = service.log, service.reader, person.email or ""
    streams = await newest_of(reader, Terms(log.fingerprint), person, most=_PAGE + 1)
    found = await of_streams(reader, streams[:_PAGE], email)
    goes = await sessions_of(reader, list(found.subjects), clear=False)
    return page(
        request,
        "audit/erase.html.jinja",
        asked=Asked(request),
        email=email,
        goes=list(zip(goes, found.subjects.values(), strict=True)),
        mentioned=found.mentioned,
        more=len(streams) > _PAGE,
        on_hold=[each for each in goes if each.hold is not None],
        kept=[*KEPT, *(user.kept for user in await users_of(reader, person))],
    )


async def sent_form(request: Request, service: Service) -> Reply:
    """`POST /audit/people/erase` by that form. Raises StaleForm, BadInput, OnHold."""
    form = fields(request)
    refuse_forged(request, form)
    email = form.get("email", "").strip()
    require_sense(Person(email=email or None))
    if normal_email(form.get("confirm", "")) != normal_email(email):
        raise BadInput("Type the address once more to confirm: the two differ", field="confirm")
    reason = require_reason(form.get("reason", ""))
    eraser = await eraser_of(request, service, reason, form.get("approvedBy", "").strip() or None)
    done = await person_erased(service, eraser, email)
    return see_other(f"{_DONE}{done.erasure_id}")


async def eraser_of(
    request: Request, service: Service, reason: str, approved_by: str | None
) -> Eraser:
    """Who carries out an erasure that is asked for. Raises InvalidField, StoreDown."""
    call = request.call()
    approver = await require_approver(service.people, approved_by, call.actor)
    return Eraser(service.log, service.reader, call, reason, approver)


async def person_erased(service: Service, eraser: Eraser, email: str) -> Erased:
    """The erasure of an address in all sessions. Raises BadInput, OnHold, NotYet, StoreDown."""
    found = await of_person(service.log, service.reader, email)
    return await eraser.of_sessions(
        found.sessions, lambda each: found.subjects[each.stream], found.mentioned
    )


async def list_erasures(request: Request, service: Service) -> Reply:
    """`GET /audit/people/erasures`: what was erased, newest first; with `id`, one erasure."""
    query, form = Query(request, ("id", "limit")), form_of(request)
    wanted = query.text("id")
    found = await erasures(service.log, service.reader, wanted, query.limit())
    if wanted is not None and not found:
        raise NotFound("Erasure", wanted[:_SHOWN])
    if form is Form.HTML:
        asked = Asked(request)
        with_receipt = await known(service.log, [each.erasure_id for each in found])
        rows = [(each, times.shown(times.read(each.at), asked.clock.zone)) for each in found]
        return page(
            request,
            "audit/erasures.html.jinja",
            asked=asked,
            rows=rows,
            with_receipt=with_receipt,
            opens=may_audit(request.principal),
            exports=asked.exports(),
        )
    table = Table({"erasures": found}, msgspec.to_builtins(found), _COLUMNS)
    return table_reply(form, table)
