"""An arriving request and its leaving answer: the rest of the body, and the time taken.

These replace Litestar's own Request and Response, whose parsing and rendering the faces do
themselves.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from app.codecs.formats import require_charset
from app.concurrency.deadline import Stalled
from app.http import origin
from app.http.body import TooLarge, drop, read_body
from app.http.head import read_head
from app.http.identify import identify
from app.http.operation import Face
from app.http.request import NOBODY, Headers, Reply, Request
from app.service import Service

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Receive, Scope, Send

Measure = Callable[[int, float], None]
"""Receives an answer's status and duration in seconds."""
DRAINED = 16
"""Multiple of a body's limit that is read and dropped before the connection is dropped."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_ALWAYS = (
    (b"vary", b"Accept"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""Header of answers that no browser should show as a page; pages set their own policy."""
_HTML = b"text/html"
_NONE: Mapping[str, str] = MappingProxyType({})


class Arrival:
    """The request that Litestar passes to our handlers, in place of its own Request."""

    __slots__ = ("receive", "request", "service", "started", "unread")

    def __init__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Reads the head if the router found a route. Raises TooLarge or BadInput."""
        self.started = time.perf_counter()
        self.receive = receive
        self.request: Request | None = None
        """The request as far as it is known; None until its head is read."""
        seen = cast("dict[str, Any]", scope)
        # (It keeps no reference to the scope: only the cyclic collector could free a cycle.)
        seen["arrival"] = self
        self.service: Service = seen["litestar_app"].state.service
        self.unread = seen["method"] not in _BODILESS
        """Whether a part of the body may still arrive."""
        handler = seen.get("route_handler")
        if handler is not None:
            segments = seen["segments"]
            path = {name: segments[place] for name, place in handler.places}
            self.read_head(seen, handler.face, handler.operation.name, path)

    def read_head(
        self,
        scope: Mapping[str, Any],
        face: Face,
        operation: str = "",
        path: Mapping[str, str] = _NONE,
    ) -> None:
        """Read the request without its body. Raises TooLarge or BadInput."""
        self.request = read_head(
            scope,
            behind_proxy=self.service.settings.behind_proxy,
            face=face.name,
            operation=operation,
            path=path,
        )

    async def identify(self, face: Face, *, is_safe: bool) -> None:
        """Identify the sender of the request. Raises as `identify` does."""
        request = self.head
        principal = await identify(request, face.policy, self.service, is_safe=is_safe)
        self.request = replace(request, principal=principal)

    @property
    def head(self) -> Request:
        """The request as far as it is known, after its head was read."""
        if self.request is None:
            raise ValueError("the head of the request was not read")
        return self.request

    async def whole(self) -> Request:
        """The request with its body.

        Raises TooLarge, UnknownType, Stalled, or BadInput if the client disconnects in the middle.
        """
        request = self.head
        if not self.unread:
            return request
        settings = self.service.settings
        anonymous = request.principal is NOBODY
        limit = settings.anonymous_body_bytes if anonymous else settings.body_bytes
        body = await self.service.bodies.wait(self._read(request, limit))
        if not body:
            return request
        content_type = request.headers.get(b"content-type", b"")
        if b"charset" in content_type.lower():
            require_charset(content_type, body)
        self.request = replace(request, body=body)
        return self.request

    async def _read(self, request: Request, limit: int) -> bytes:
        self.unread = False
        try:
            return await read_body(self.receive, request.headers, limit)
        except TooLarge:
            self.unread = True
            raise

    async def drop_rest(self) -> None:
        """Receive and drop the rest of the body after the answer."""
        most = DRAINED * self.service.settings.body_bytes
        with suppress(Stalled):
            await self.service.bodies.wait(drop(self.receive, most))


class Answer:
    """A reply in the form that Litestar sends."""

    __slots__ = ("_arrival", "_measure", "_reply")

    def __init__(self, arrival: Arrival, reply: Reply, measure: Measure | None = None) -> None:
        """`measure` receives the status and the seconds."""
        self._arrival = arrival
        self._reply = reply
        self._measure = measure

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Send the reply, then receive the rest of the request."""
        reply, arrival = self._reply, self._arrival
        body = reply.body
        headers = [(b"content-length", b"%d" % len(body)), *_ALWAYS, *reply.headers]
        headers += _shared(arrival)
        if not reply.content_type.startswith(_HTML):
            headers.append(_NO_PAGE)
        if body:
            headers.append((b"content-type", reply.content_type))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        shown = b"" if cast("HTTPScope", scope)["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": shown, "more_body": False})
        if self._measure is not None:
            self._measure(reply.status, time.perf_counter() - arrival.started)
        if arrival.unread:
            await arrival.drop_rest()

    def to_asgi_response(self, **_: object) -> "Answer":
        """Itself; Litestar calls this for the answer of an exception handler."""
        return self


def _shared(arrival: Arrival) -> Headers:
    """Headers that let a page of an allowed origin read the answer; empty without an Origin."""
    if arrival.request is None or b"origin" not in arrival.request.headers:
        return ()
    return origin.sharing(arrival.request.headers, arrival.service.settings.allowed_origins)
