"""From ASGI to a face's handlers and back: authentication, limits, errors, metrics for all alike.

Litestar's declarative handlers cost 1.7 times the processor time of these on the same server, and
the faces decode and negotiate for themselves. Paths go by a table of our own, in any case.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct
from msgspec.structs import replace

from app.auth.principals import Principal
from app.codecs.formats import require_charset
from app.concurrency.deadline import Stalled
from app.http import origin
from app.http.errors import Refusal, Responses, refusal
from app.http.request import Exchange, Headers, Reply
from app.http.table import Table
from app.service import Service
from app.telemetry import metrics

_LOG = logging.getLogger("sessionary.http")
_ALWAYS = (
    (b"vary", b"Accept"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""Of what no browser is to show as a page; pages say themselves what they may load."""
_HTML = b"text/html"

Handler = Callable[[Exchange], Awaitable[Reply]]


class Operation(Struct, frozen=True):
    """One documented operation: its name, and what carries it out."""

    name: str
    handler: Handler
    anonymous: bool = False
    measure: Callable[[int, float], None] = lambda _status, _seconds: None


Routes = Mapping[str, Mapping[str, Operation]]
"""Operations by path template and HTTP method."""


class Face(Protocol):
    """One API: whom it lets in, and how it answers what it cannot do."""

    name: str
    prefix: str
    """Of the paths where it answers for what is not there; lower case."""
    suffixes: frozenset[str]
    """Extensions of a path that name a format, lower case."""
    overridable: bool
    """Whether a POST may ask for another verb by `X-HTTP-Method-Override`."""
    routes: Routes
    responses: Responses
    """To errors that no other face knows."""

    async def identify(self, exchange: Exchange) -> Principal:
        """Who calls. Raises Unauthenticated, or Forbidden for a call that somebody else made."""

    def refuse(self, refused: Refusal, exchange: Exchange | None) -> Reply:
        """An answer that is no success, in the API's documented shape.

        `exchange` is None if the request's headers could not be taken in.
        """


class _Route(Struct, frozen=True):
    """What is served at one path."""

    face: Face
    operations: Mapping[str, Operation]


def dispatcher(faces: Sequence[Face], service: Callable[[], Service]) -> ASGIApp:
    """What serves all that the faces have; the one with the shortest prefix speaks for the rest."""
    table = Table(
        {
            path: _Route(face, _measured(face, operations))
            for face in faces
            for path, operations in face.routes.items()
        }
    )
    by_prefix = sorted(faces, key=lambda face: len(face.prefix), reverse=True)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        way = _find(table, by_prefix, scope["path"].strip("/"))
        reply, operation, shared, exchange = await _answer(service(), way, scope, receive)
        head = scope["method"] == "HEAD"  # type: ignore[typeddict-item]  # Litestar joins two
        await _send(send, reply, shared, head=head)
        if operation is not None:
            operation.measure(reply.status, time.perf_counter() - started)
        if exchange is not None and exchange.unread:
            with suppress(Stalled):
                await service().bodies.wait(exchange.drop_rest(receive))

    return dispatch


class _RouteMatch(Struct, frozen=True):
    """Where a path leads."""

    place: _Route
    location: str
    parameters: dict[str, str]
    suffix: str = ""


def _find(table: Table[_Route], faces: Sequence[Face], path: str) -> _RouteMatch:
    stem, dot, extension = path.rpartition(".")
    if dot and "/" not in extension:
        found = table.find(stem)
        if found is not None and extension.lower() in found[0].face.suffixes:
            return _RouteMatch(found[0], stem, found[1], extension.lower())
    found = table.find(path)
    if found is not None:
        return _RouteMatch(found[0], path, found[1])
    at = f"/{path}/".lower()
    face = next(face for face in faces if at.startswith(face.prefix))
    # What is not there is told in the format that was asked for, as all else.
    suffix = extension.lower() if dot and extension.lower() in face.suffixes else ""
    return _RouteMatch(_Route(face, {}), path, {}, suffix)


def _measured(face: Face, operations: Mapping[str, Operation]) -> dict[str, Operation]:
    return {
        method: replace(operation, measure=metrics.of(face.name, operation.name))
        for method, operation in operations.items()
    }


async def _answer(
    service: Service, way: _RouteMatch, scope: Scope, receive: Receive
) -> tuple[Reply, Operation | None, Headers, Exchange | None]:
    """The reply, what gave it, headers that share it with another origin's page, what it is to."""
    face = way.place.face
    exchange = operation = None
    shared: Headers = ()
    try:
        exchange = Exchange(service, scope)
        if b"origin" in exchange.headers:
            shared = origin.sharing(exchange.headers, service.settings.allowed_origins)
        exchange.face, exchange.location = face.name, way.location
        exchange.path, exchange.suffix = way.parameters, way.suffix
        sent = exchange.method
        if sent == "POST" and face.overridable:
            exchange.method = exchange.overridden() or sent
        operation = way.place.operations.get("GET" if sent == "HEAD" else exchange.method)
        if operation is None:
            if shared and sent == "OPTIONS" and way.place.operations:
                allowing = origin.allowing(exchange.headers, way.place.operations)
                return Reply(204, headers=allowing), None, shared, exchange
            reply = face.refuse(_unserved(way.place, exchange.method), exchange)
            return reply, None, shared, exchange
        exchange.operation = operation.name
        if not operation.anonymous:
            exchange.principal = await face.identify(exchange)
        if exchange.unread:
            limit = _body_limit(service, operation)
            await service.bodies.wait(exchange.read(receive, limit))
            if exchange.body:
                require_charset(exchange.headers.get(b"content-type", b""), exchange.body)
        return await operation.handler(exchange), operation, shared, exchange
    except Exception as error:
        refused = refusal(error, service.settings.retry_after_s, face.responses)
        if refused.status >= 500 and refused.status != 503:
            _LOG.exception("%s %s failed", face.name, way.location)
        return face.refuse(refused, exchange), operation, shared, exchange


def _body_limit(service: Service, operation: Operation) -> int:
    """The most bytes that a body may have."""
    settings = service.settings
    return settings.anonymous_body_bytes if operation.anonymous else settings.body_bytes


def _unserved(place: _Route, method: str) -> Refusal:
    if not place.operations:
        return Refusal(404, "NotFound", "There is nothing at this path")
    methods = ["GET, HEAD" if served == "GET" else served for served in place.operations]
    allowed = ", ".join(methods).encode()
    message = f"{method} is not served here"
    return Refusal(405, "MethodNotAllowed", message, headers=((b"allow", allowed),))


async def _send(send: Send, reply: Reply, shared: Headers, *, head: bool = False) -> None:
    body = reply.body
    headers = [(b"content-length", b"%d" % len(body)), *_ALWAYS, *reply.headers, *shared]
    if not reply.content_type.startswith(_HTML):
        headers.append(_NO_PAGE)
    if body:
        headers.append((b"content-type", reply.content_type))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    shown = b"" if head else body
    await send({"type": "http.response.body", "body": shown, "more_body": False})
