"""The ServiceStack-style face: AI sessions and accounts, in all formats, by all its routes.

Each operation has its REST routes, `/api/{Request}`, `/{format}/reply/{Request}` and
`/{format}/oneway/{Request}`, and takes batches at `{Request}[]`.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType

from msgspec.structs import replace

from app.codecs.form import pairs
from app.codecs.formats import FORMATS, JSON, Format, answer_format
from app.codecs.json_text import BadInput
from app.faces.evo import auth
from app.faces.evo import batch as evo_batch
from app.faces.evo import operations as evo_operations
from app.faces.evo.operations import Query, carry_out_one
from app.faces.evo.wire import messages
from app.faces.evo.wire.api import API, EvoOperation
from app.faces.evo.wire.binding import BadItem, RequestParts, bind, bind_all
from app.faces.evo.wire.views import error_response
from app.http.errors import BatchFailed, Refusal, Responses
from app.http.request import Exchange, Reply
from app.http.route_handler import Operation, Routes

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_OPERATIONS = {**evo_operations.OPERATIONS, **auth.OPERATIONS}
_QUERIES = {request for request, operation in _OPERATIONS.items() if isinstance(operation, Query)}


class EvoFace:
    """Answers errors as a ResponseStatus, in the format of the answer."""

    name = "evo"
    prefix = "/"
    suffixes = frozenset(FORMATS)
    overridable = True
    responses: Responses = MappingProxyType({})
    identify = staticmethod(auth.identify)
    """By the Authorization header, else by cookies."""

    def __init__(self) -> None:
        """Serves all operations by all their routes."""
        self.routes: Routes = _routes()

    def refuse(self, refused: Refusal, exchange: Exchange | None) -> Reply:
        """`{"responseStatus": {…}}`."""
        format_, content_type = JSON, JSON.content_type
        with suppress(BadInput):  # a query that cannot be read asks for no format
            if exchange is not None:
                format_, content_type = _answering(exchange, _handler(exchange))
        error = error_response(refused.code, refused.message, refused.field, refused.index)
        return Reply(refused.status, messages.write(format_, error), refused.headers, content_type)


async def _one(api: EvoOperation, exchange: Exchange) -> Reply:
    """One request, one answer."""
    handler = _handler(exchange)
    format_, content_type = _answering(exchange, handler)
    exchange.principal.require(*api.roles)
    safe = _flag(exchange, "safe")
    request = bind(api.request, _sent(exchange, handler))
    result = await carry_out_one(_OPERATIONS[api.request], request, exchange)
    if result.value is None:
        return Reply(204, headers=result.headers)
    body = messages.write(format_, result.value, api.response, safe=safe)
    _check_size(api, body, exchange)
    return Reply(200, body, (*result.headers, *messages.headers(format_, api.name)), content_type)


async def _batch(api: EvoOperation, exchange: Exchange) -> Reply:
    """Several requests of one kind; an array of answers."""
    handler = _handler(exchange)
    format_, content_type = _answering(exchange, handler)
    exchange.principal.require(*api.roles)
    safe, atomic = _flag(exchange, "safe"), _flag(exchange, "atomic")
    try:
        requests = bind_all(api.request, _sent(exchange, handler))
    except BadItem as error:
        raise BatchFailed(error, error.index, completed=0) from error
    values, headers = await evo_batch.carry_out(
        _OPERATIONS[api.request], requests, exchange, atomic=atomic
    )
    if api.response is None:
        return Reply(204, headers=headers)
    body = messages.write(format_, values, api.response, safe=safe)
    _check_size(api, body, exchange)
    return Reply(200, body, (*headers, *messages.headers(format_, api.name)), content_type)


def _check_size(api: EvoOperation, body: bytes, exchange: Exchange) -> None:
    """Formats write the same in more or fewer bytes. What a command did is told all the same."""
    if api.request in _QUERIES:
        exchange.budget.require(body)


def _routes() -> Routes:
    routes: dict[str, dict[str, Operation]] = {}
    for api in API:
        for path in api.paths:
            for verb in (api.verb, *api.also):
                routes.setdefault(path, {})[verb] = _operation(api, _one)
        # By its name an operation can be reached with POST too, whatever its own verb.
        by_name = {verb: _operation(api, _one) for verb in (api.verb, *api.also, "POST")}
        batch = {"POST": _operation(api, _batch)}
        for before in ("/api", *(f"/{name}/reply" for name in FORMATS)):
            routes[f"{before}/{api.name}"] = by_name
            if not api.anonymous:  # one answer holds the cookies of one sign-in
                routes[f"{before}/{api.name}[]"] = batch
        for before in (f"/{name}/oneway" for name in FORMATS):
            routes[f"{before}/{api.name}"] = _unanswered(by_name)
            if not api.anonymous:
                routes[f"{before}/{api.name}[]"] = _unanswered(batch)
    return routes


def _unanswered(operations: Mapping[str, Operation]) -> dict[str, Operation]:
    """The same operations with answers that have no body."""

    async def handle(operation: Operation, exchange: Exchange) -> Reply:
        reply = await operation.handler(exchange)
        return Reply(204, headers=reply.headers)

    return {
        verb: replace(operation, handler=partial(handle, operation))
        for verb, operation in operations.items()
    }


def _operation(api: EvoOperation, carry_out: "_CarryOut") -> Operation:
    return Operation(api.name, partial(carry_out, api), anonymous=api.anonymous)


_CarryOut = Callable[[EvoOperation, Exchange], Awaitable[Reply]]


def _handler(exchange: Exchange) -> str:
    """The name of the format that a predefined route is for; empty on REST routes."""
    first = exchange.location.partition("/")[0].lower()
    if first == "api":
        return JSON.name
    return first if first in FORMATS else ""


def _answering(exchange: Exchange, handler: str) -> tuple[Format, bytes]:
    """The format of the answer and its Content-Type."""
    headers = exchange.headers
    return answer_format(
        suffix=exchange.suffix,
        asked=_option(exchange, "format"),
        handler=handler,
        accept=headers.get(b"accept"),
        content_type=headers.get(b"content-type"),
    )


def _flag(exchange: Exchange, name: str) -> bool:
    """A truth value of the query; false if it is not there. Raises BadInput for another value."""
    text = _option(exchange, name)
    if not text:
        return False
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        # Who asks for all or nothing in other words must not get the half of it.
        raise BadInput(f"{name} is either true or false", field=name) from None


def _option(exchange: Exchange, name: str) -> str:
    """A value of the query that is no member of a request; empty if it is not there."""
    if not exchange.query or name.encode() not in exchange.query.lower():
        return ""
    return next((value for key, value in pairs(exchange.query) if key.lower() == name), "")


def _sent(exchange: Exchange, handler: str) -> RequestParts:
    return RequestParts(
        body=exchange.body,
        content_type=exchange.headers.get(b"content-type"),
        handler=FORMATS.get(handler),
        path=exchange.path,
        query=pairs(exchange.query) if exchange.query else (),
    )
