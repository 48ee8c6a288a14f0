"""The ServiceStack-style face: AI sessions and accounts, in all formats, by all its routes.

Each operation has its REST routes, `/api/{Request}`, `/{format}/reply/{Request}` and
`/{format}/oneway/{Request}`. It accepts batches at `{Request}[]`.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from operator import methodcaller
from types import MappingProxyType

from msgspec.structs import replace

from app.codecs.answer_budget import AnswerBudget
from app.codecs.formats import CSV, FORMATS, JSON, Format, answer_format
from app.codecs.json_text import BadInput
from app.faces.evo import auth, own, pages, users
from app.faces.evo import batch as evo_batch
from app.faces.evo import operations as evo_operations
from app.faces.evo.operations import Asked, Read, carry_out_one
from app.faces.evo.wire import messages
from app.faces.evo.wire import requests as r
from app.faces.evo.wire.api import API, EvoDescription
from app.faces.evo.wire.binding import BadItem, RequestParts, bind, bind_all
from app.faces.evo.wire.views import error_response
from app.http.errors import BatchFailed, Refusal, Responses
from app.http.operation import Operation, Routes, always, never, of_the_past
from app.http.request import Reply, Request, refuse_as_of
from app.pages.errors import error_page
from app.service import Service

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_BY_LINK = frozenset({"GET", "HEAD"})
_HANDLERS = {**evo_operations.HANDLERS, **auth.HANDLERS, **users.HANDLERS, **own.HANDLERS}
_LISTS = (r.ListAISessions, r.ListAccounts)
_QUERIES = {request for request, handler in _HANDLERS.items() if isinstance(handler, Read)}


class EvoFace:
    """Answers errors as a ResponseStatus, in the format of the answer."""

    name = "evo"
    prefix = "/"
    suffixes = frozenset(FORMATS)
    overridable = True
    refuses_alike = True
    responses: Responses = MappingProxyType({})
    policy = auth.POLICY

    def __init__(self) -> None:
        """Builds all routes of all operations."""
        self.routes: Routes = _routes()

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """`{"responseStatus": {…}}`."""
        if request is not None and pages.is_wanted(request):
            return error_page(request, refused, pages.BACK)
        format_, content_type = JSON, JSON.content_type
        with suppress(BadInput):  # an unreadable query names no format
            if request is not None:
                format_, content_type = _answering(request, _handler(request))
        error = error_response(refused.code, refused.message, refused.field, refused.index)
        return Reply(refused.status, messages.write(format_, error), refused.headers, content_type)


async def _one(api: EvoDescription, request: Request, service: Service) -> Reply:
    """One request, one answer."""
    if pages.is_wanted(request) and api.response is not None:
        return await _page(api, request, service)
    handler = _handler(request)
    format_, content_type = _answering(request, handler)
    safe = bool(request.query or format_ is CSV) and _is_guarded(request)
    budget, as_of = AnswerBudget(service.settings.answer_bytes), _as_of(api, request)
    asked = Asked(request, service, budget, as_of)
    dto = bind(api.request, _sent(request, handler))
    result = await carry_out_one(_HANDLERS[api.request], dto, asked)
    if result.value is None:
        return Reply(204, headers=result.headers)
    body = messages.write(format_, result.value, api.response, safe=safe)
    _check_size(api, body, asked.budget)
    return Reply(200, body, (*result.headers, *messages.headers(format_, api.name)), content_type)


async def _page(api: EvoDescription, request: Request, service: Service) -> Reply:
    """One request, one page for a person."""
    budget, as_of = AnswerBudget(service.settings.answer_bytes), _as_of(api, request)
    asked = Asked(request, service, budget, as_of)
    dto = bind(api.request, _sent(pages.with_rows(api, request), ""))
    result = await carry_out_one(_HANDLERS[api.request], dto, asked)
    assert result.value is not None  # it has an answer
    body = messages.write(JSON, result.value, api.response)
    _check_size(api, body, asked.budget)
    return pages.shown(api, request, body, result.headers)


async def _batch(api: EvoDescription, request: Request, service: Service) -> Reply:
    """Several requests of one kind, one array of answers."""
    handler = _handler(request)
    format_, content_type = _answering(request, handler)
    safe, atomic = _is_guarded(request), _flag(request, "atomic")
    as_of = _as_of(api, request)
    if as_of is not None:  # once, and so the same for all
        as_of = (await service.past.moment(as_of)).text
    asked = Asked(request, service, AnswerBudget(service.settings.answer_bytes), as_of)
    try:
        dtos = bind_all(api.request, _sent(request, handler))
    except BadItem as error:
        raise BatchFailed(error, error.index, completed=0) from error
    values, headers = await evo_batch.carry_out(_HANDLERS[api.request], dtos, asked, atomic=atomic)
    if api.response is None:
        return Reply(204, headers=headers)
    body = messages.write(format_, values, api.response, safe=safe)
    _check_size(api, body, asked.budget)
    return Reply(200, body, (*headers, *messages.headers(format_, api.name)), content_type)


def _check_size(api: EvoDescription, body: bytes, budget: AnswerBudget) -> None:
    """Check the size of the body, which depends on its format.

    The answer to a command is sent in any case, for the command is already done.
    """
    if api.request in _QUERIES:
        budget.require(body)


def _routes() -> Routes:
    routes: dict[str, dict[str, Operation]] = {}
    for api in API:
        operation = _operation(api, _one)
        for path in api.paths:
            routes.setdefault(path, {}).update(dict.fromkeys((api.verb, *api.also), operation))
        # The routes by name also accept POST, whatever the operation's own verb.
        by_name = dict.fromkeys((api.verb, *api.also, "POST"), _operation(api, _one))
        batch = {"POST": _operation(api, _batch)}
        called = {f"/{api.name}": by_name}
        # (One answer holds the cookies of one sign-in.)
        if not (api.anonymous or api.alone):
            called[f"/{api.name}[]"] = batch
        for name, operations in called.items():
            for before in ("/api", *(f"/{format_}/reply" for format_ in FORMATS)):
                routes[f"{before}{name}"] = operations
            unanswered = _unanswered(operations)
            for before in (f"/{format_}/oneway" for format_ in FORMATS):
                routes[f"{before}{name}"] = unanswered
    return routes


def _unanswered(operations: Mapping[str, Operation]) -> dict[str, Operation]:
    """The same operations with empty answers."""

    async def handle(operation: Operation, request: Request, service: Service) -> Reply:
        reply = await operation.handler(request, service)
        return Reply(204, headers=reply.headers)

    quiet = {
        operation: replace(operation, handler=partial(handle, operation))
        for operation in operations.values()
    }
    return {verb: quiet[operation] for verb, operation in operations.items()}


def _operation(api: EvoDescription, carry_out: "_CarryOut") -> Operation:
    return Operation(
        name=api.name,
        handler=partial(carry_out, api),
        admit=methodcaller("require", *api.roles, *api.readers),
        is_anonymous=api.anonymous,
        is_safe=api.is_safe,
        is_first=api.first,
        reads=always if api.request in _LISTS else of_the_past if api.past else never,
    )


_CarryOut = Callable[[EvoDescription, Request, Service], Awaitable[Reply]]


def _handler(request: Request) -> str:
    """The name of a predefined route's format; empty on REST routes."""
    first = request.location.partition("/")[0].lower()
    if first == "api":
        return JSON.name
    return first if first in FORMATS else ""


def _answering(request: Request, handler: str) -> tuple[Format, bytes]:
    """The format of the answer and its Content-Type."""
    headers = request.headers
    return answer_format(
        suffix=request.suffix,
        asked=_option(request, "format"),
        handler=handler,
        accept=headers.get(b"accept"),
        content_type=headers.get(b"content-type"),
    )


def _is_guarded(request: Request) -> bool:
    """Whether CSV must hold no formulas: `safe`, else whether a person may have followed a link.

    Programs send commands, or accept `text/csv`; they get each text as it is.
    """
    accept = request.headers.get(b"accept", b"")
    is_link = request.method in _BY_LINK and not accept.lower().startswith(b"text/csv")
    return _flag(request, "safe", unless_told=is_link)


def _flag(request: Request, name: str, *, unless_told: bool = False) -> bool:
    """A truth value of the query. Raises BadInput for any other value."""
    text = _option(request, name)
    if not text:
        return unless_told
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        # A client that spells "atomic" in another way must not get a partial result.
        raise BadInput(f"{name} is either true or false", field=name) from None


def _as_of(api: EvoDescription, request: Request) -> str | None:
    as_of = request.as_of() if request.query else None
    if as_of is not None and not api.past:
        refuse_as_of(api.name)
    return as_of


def _option(request: Request, name: str) -> str:
    """A value of the query that is no member of a request; empty if absent."""
    if not request.query or name.encode() not in request.query.lower():
        return ""
    return next((value for key, value in request.pairs if key.lower() == name), "")


def _sent(request: Request, handler: str) -> RequestParts:
    return RequestParts(
        body=request.body,
        content_type=request.headers.get(b"content-type"),
        handler=FORMATS.get(handler),
        path=request.path,
        query=request.pairs,
    )
