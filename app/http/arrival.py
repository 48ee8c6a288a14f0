"""A request on its way in, and its answer on its way out: what of it may still come, and the time.

Litestar's own Request and Response read and write what the faces do for themselves.
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
"""Is told of an answer's status, and the seconds that it took."""
DRAINED = 16
"""How many times the limit of a body is read and dropped before the connection is."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_ALWAYS = (
    (b"vary", b"Accept"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""Of what no browser is to show as a page; pages say themselves what they may load."""
_HTML = b"text/html"
_NONE: Mapping[str, str] = MappingProxyType({})


class Arrival:
    """What Litestar makes of a connection for our handlers, in place of its own Request."""

    __slots__ = ("receive", "request", "service", "started", "unread")

    def __init__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Reads the head, if the router found what it is for. Raises TooLarge or BadInput."""
        self.started = time.perf_counter()
        self.receive = receive
        self.request: Request | None = None
        """As far as it is known; None: its head was not read."""
        seen = cast("dict[str, Any]", scope)
        # (It keeps no scope itself: a circle of both would be left to the collector.)
        seen["arrival"] = self
        self.service: Service = seen["litestar_app"].state.service
        self.unread = seen["method"] not in _BODILESS
        """Whether some of the body may still come."""
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
        """Read what there is without the body. Raises TooLarge or BadInput."""
        self.request = read_head(
            scope,
            behind_proxy=self.service.settings.behind_proxy,
            face=face.name,
            operation=operation,
            path=path,
        )

    async def identify(self, face: Face, *, is_safe: bool) -> None:
        """Find out who sends the request. Raises as `identify`."""
        request = self.head
        principal = await identify(request, face.policy, self.service, is_safe=is_safe)
        self.request = replace(request, principal=principal)

    @property
    def head(self) -> Request:
        """The request as far as it is known, once its head was read."""
        if self.request is None:
            raise ValueError("the head of the request was not read")
        return self.request

    async def whole(self) -> Request:
        """The request with its body.

        Raises TooLarge, UnknownType, Stalled, or BadInput when the client stopped in its middle.
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
        """Take what still comes of the body after the answer."""
        most = DRAINED * self.service.settings.body_bytes
        with suppress(Stalled):
            await self.service.bodies.wait(drop(self.receive, most))


class Answer:
    """A reply as Litestar sends it."""

    __slots__ = ("_arrival", "_measure", "_reply")

    def __init__(self, arrival: Arrival, reply: Reply, measure: Measure | None = None) -> None:
        """`measure` is told of the status and the seconds."""
        self._arrival = arrival
        self._reply = reply
        self._measure = measure

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Send it; take what still comes of the request."""
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
        """Litestar asks for it where an exception handler answers."""
        return self


def _shared(arrival: Arrival) -> Headers:
    """What lets a page of an allowed origin read the answer; of no request without one."""
    if arrival.request is None or b"origin" not in arrival.request.headers:
        return ()
    return origin.sharing(arrival.request.headers, arrival.service.settings.allowed_origins)
