"""From ASGI to a face's handlers and back: authentication, limits, errors, metrics for all alike.

Litestar mounts each face as a plain ASGI handler. Its declarative handlers cost 1.7 times the
processor time of these on the same server, and the faces decode and negotiate for themselves.
Paths below the mount go by a table of our own, because Litestar (2.25) answers 500 for a plain
ASGI handler whose path has parameters.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send
from msgspec import Struct
from msgspec.structs import replace

from app import metrics
from app.routes.errors import Refusal, refusal
from app.routes.exchange import Exchange, Reply
from app.routes.table import Table
from app.service import Service

_LOG = logging.getLogger("sessionary.http")
_ALWAYS = (
    (b"vary", b"Accept"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

Handler = Callable[[Exchange], Awaitable[Reply]]


class Face(Protocol):
    """How one API answers what it cannot do."""

    name: str
    content_type: bytes
    """Of the bodies that `error` gives."""

    def error(self, refused: Refusal) -> bytes:
        """The body of an answer that is no success, in the API's documented shape."""


class Operation(Struct, frozen=True):
    """One documented operation: its name, and what carries it out."""

    name: str
    handler: Handler
    anonymous: bool = False
    measure: Callable[[int, float], None] = lambda _status, _seconds: None


Routes = Mapping[str, Mapping[str, Operation]]
"""Operations by path template and HTTP method."""


def mount(
    prefix: str, face: Face, routes: Routes, service: Callable[[], Service]
) -> ASGIRouteHandler:
    """The Litestar handler of all that a face serves below a prefix."""
    table = Table({path: _measured(face, operations) for path, operations in routes.items()})

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        found = table.find(prefix + scope["path"])
        if found is None:
            refused = Refusal(404, "NotFound", "There is nothing at this path")
            await _send(send, _refused(face, refused))
            return
        operations, scope["path_params"] = found
        method = scope["method"]  # type: ignore[typeddict-item]  # Litestar joins two Scopes
        operation = operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            allow = ((b"allow", ", ".join(operations).encode()),)
            message = f"{method} is not served here"
            refused = Refusal(405, "MethodNotAllowed", message, headers=allow)
            await _send(send, _refused(face, refused))
            return
        reply = await _carry_out(service(), face, operation, scope, receive)
        await _send(send, reply, head=method == "HEAD")
        operation.measure(reply.status, time.perf_counter() - started)

    return asgi(prefix, name=f"{face.name} {prefix}", is_mount=True, copy_scope=False)(handle)


def _measured(face: Face, operations: Mapping[str, Operation]) -> dict[str, Operation]:
    return {
        method: replace(operation, measure=metrics.of(face.name, operation.name))
        for method, operation in operations.items()
    }


async def _carry_out(
    service: Service, face: Face, operation: Operation, scope: Scope, receive: Receive
) -> Reply:
    try:
        exchange = Exchange(service, scope, face.name, operation.name)
        if not operation.anonymous:
            await exchange.identify()
        if scope["method"] in _WITH_BODY:  # type: ignore[typeddict-item]  # as above
            await exchange.read(receive)
        return await operation.handler(exchange)
    except Exception as error:
        refused = refusal(error, service.settings.retry_after_s)
        if refused.status >= 500 and refused.status != 503:
            _LOG.exception("%s %s failed", face.name, operation.name)
        return _refused(face, refused)


def _refused(face: Face, refused: Refusal) -> Reply:
    return Reply(refused.status, face.error(refused), refused.headers, face.content_type)


async def _send(send: Send, reply: Reply, *, head: bool = False) -> None:
    body = reply.body
    headers = [(b"content-length", b"%d" % len(body)), *_ALWAYS, *reply.headers]
    if body:
        headers.append((b"content-type", reply.content_type))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    shown = b"" if head else body
    await send({"type": "http.response.body", "body": shown, "more_body": False})
