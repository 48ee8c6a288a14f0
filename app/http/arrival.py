"""An arriving request and its leaving answer: the rest of the body, and the time taken.

These replace Litestar's own Request and Response, whose parsing and rendering the faces do
themselves.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from app.auth.principals import Principal
from app.codecs.formats import require_charset
from app.codecs.hosts import ANY_HOST
from app.concurrency.deadline import Stalled
from app.concurrency.time_spent import SPENT, TimeSpent
from app.http import correlation, origin
from app.http.body import TooLarge, drop, read_body
from app.http.head import Sender, read_head, read_sender
from app.http.identify import AuthPolicy, identify
from app.http.request import NOBODY, Headers, Reply, Request
from app.http.streaming import send_parts
from app.service import Service
from app.telemetry import tracing
from app.telemetry.metrics import Measure
from app.telemetry.request_id import REQUEST_ID
from app.telemetry.requests import NO_ROUTE, PROBES, Route

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

    from app.telemetry.spans import RequestSpan

DRAINED = 16
"""Multiple of a body's limit that is read and dropped before the connection is dropped."""
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Verbs of requests without a body."""
_ALWAYS = (
    (b"vary", b"Accept"),
    (b"x-content-type-options", b"nosniff"),
    # (No address, which may name a person, goes on to the next page. Forms of ours then name no
    # origin either; they carry a secret instead.)
    (b"referrer-policy", b"no-referrer"),
)
_NOT_STORED = (b"cache-control", b"no-store")
_STORED = (b"cache-control", b"public, max-age=31536000, immutable")
_BY_TLS_ALONE = (b"strict-transport-security", b"max-age=31536000")
"""Header of answers by HTTPS: a browser then never calls this host without it, for a year."""
LOCAL = b"localhost"
"""Not there: it would hold for all ports, and so for everything else that listens on them."""
_NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""Header of answers that no browser should show as a page; pages set their own policy."""
_HTML = b"text/html"
_NONE: Mapping[str, str] = MappingProxyType({})


class Arrival:
    """The request that Litestar passes to our handlers, in place of its own Request."""

    __slots__ = ("_sender", "receive", "request", "service", "span", "spent", "started", "unread")

    def __init__(self, scope: "Scope", receive: "Receive") -> None:
        """Reads nothing yet."""
        self.started = time.perf_counter()
        self.spent = TimeSpent()
        SPENT.set(self.spent)
        self.span: RequestSpan | None = None
        self.receive = receive
        self.request: Request | None = None
        """The request as far as it is known; None until its head is read."""
        seen: Any = scope
        # (It keeps no reference to the scope: only the cyclic collector could free a cycle.)
        seen["arrival"] = self
        app = seen["litestar_app"]
        self.service: Service = app.service
        self._sender: Sender | None = None
        self.unread: bool = seen["method"] not in BODILESS
        """Whether a part of the body may still arrive."""

    def read_head(
        self,
        scope: Mapping[str, Any],
        face: str,
        operation: str = "",
        path: Mapping[str, str] = _NONE,
        *,
        any_host: bool = False,
    ) -> None:
        """Read the request without its body. Raises TooLarge, BadInput, or Misdirected."""
        service = self.service
        self.request = read_head(
            scope,
            behind_proxy=service.settings.behind_proxy,
            hosts=ANY_HOST if any_host else service.hosts,
            face=face,
            operation=operation,
            path=path,
        )
        REQUEST_ID.set(self.request.request_id)

    def trace(self, route: Route, method: str) -> None:
        """Begin the span of the request, whose head was read; a probe has none."""
        request = self.request
        if tracing.SPANS is None or request is None or route.face == PROBES:
            return
        parent = request.headers.get(b"traceparent")
        caller = None if parent is None else correlation.trace(parent)
        self.span = tracing.SPANS.begin(route, method, request.request_id, caller)
        self.spent.phases = []
        self.request = replace(request, trace=self.span.trace)

    def sender(self, scope: Mapping[str, Any]) -> Sender:
        """Who sent the request, also if its head cannot be read."""
        if self.request is not None:
            return Sender(self.request.client, self.request.request_id)
        if self._sender is None:  # (once: an id that the client did not send is a new one)
            behind_proxy = self.service.settings.behind_proxy
            self._sender = read_sender(scope, behind_proxy=behind_proxy)
            REQUEST_ID.set(self._sender.request_id)
        return self._sender

    async def identify(self, policy: AuthPolicy, *, is_safe: bool, is_form: bool) -> Principal:
        """Identify the sender of the request. Raises as `identify` does."""
        request = self.request
        assert request is not None  # its head was read
        principal = await identify(request, policy, self.service, is_safe=is_safe, is_form=is_form)
        self.request = replace(request, principal=principal)
        return principal

    async def read(self) -> None:
        """Read the body of the request.

        Raises TooLarge, UnknownType, Stalled, or BadInput if the client disconnects in the middle.
        """
        request, service = self.request, self.service
        assert request is not None  # its head was read
        anonymous = request.principal is NOBODY
        limit = service.settings.anonymous_body_bytes if anonymous else service.settings.body_bytes
        self.unread = False
        try:
            body = await service.bodies.wait(read_body(self.receive, request.headers, limit))
        except TooLarge:
            self.unread = True
            raise
        if not body:
            return
        content_type = request.headers.get(b"content-type", b"")
        if b"charset" in content_type.lower():
            require_charset(content_type, body)
        self.request = replace(request, body=body)

    async def drop_rest(self) -> None:
        """Receive and drop the rest of the body after the answer."""
        most = DRAINED * self.service.settings.body_bytes
        with suppress(Stalled):
            await self.service.bodies.wait(drop(self.receive, most))


class Answer:
    """A reply in the form that Litestar sends."""

    __slots__ = ("_arrival", "_measure", "_reply", "_route")

    def __init__(
        self,
        arrival: Arrival,
        reply: Reply,
        measure: Measure | None = None,
        route: Route = NO_ROUTE,
    ) -> None:
        """`measure` receives the status and the seconds; `route`: the one that was found."""
        self._arrival = arrival
        self._reply = reply
        self._measure = measure
        self._route = route

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Send the reply, then receive the rest of the request."""
        reply, arrival = self._reply, self._arrival
        body, stream, request = reply.body, reply.stream, arrival.request
        request_id = (arrival.sender(scope) if request is None else request).request_id
        by_tls = request is not None and request.scheme == "https" and not _is_local(request)
        headers = [(b"x-request-id", request_id.encode()), *framed(reply, by_tls=by_tls)]
        if request is not None and b"origin" in request.headers:
            headers += _shared(arrival, request)
        begun = time.perf_counter()
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        asked: Any = scope
        is_head = asked["method"] == "HEAD"
        is_read = is_head or stream is None or await send_parts(stream, receive, send)
        if is_read:
            shown = b"" if is_head else body
            await send({"type": "http.response.body", "body": shown, "more_body": False})
        ended = time.perf_counter()
        if self._measure is not None:
            self._measure(reply.status, ended - arrival.started)
        if arrival.span is not None:
            arrival.span.end(reply.status, arrival.spent.phases or ())
        seen, status = arrival.service.requests, reply.status
        # (A stream lasts for as long as its reader wants, so only its beginning is judged.)
        seconds = (ended if stream is None else begun) - arrival.started
        if seen.is_open or status >= 400 or seconds > seen.slow_s:
            self._tell(asked["method"], seconds, request_id)
        if arrival.unread:
            await arrival.drop_rest()

    def _tell(self, method: str, seconds: float, request_id: str) -> None:
        """Let operators know of the request."""
        arrival, route, request = self._arrival, self._route, self._arrival.request
        arrival.service.requests.saw(
            route,
            method if route is not NO_ROUTE else "",  # else it may be anything
            self._reply.status,
            seconds,
            arrival.spent,
            request_id=request_id,
            actor=None if request is None else request.principal.name or None,
        )

    def to_asgi_response(self, **_: object) -> "Answer":
        """Itself; Litestar calls this for the answer of an exception handler."""
        return self


def framed(reply: Reply, *, by_tls: bool) -> Headers:
    """The headers of an answer, but for those that hang on its request.

    `by_tls`: whether a browser shall from now on call this host by HTTPS alone.
    """
    body, stream = reply.body, reply.stream
    content_type = reply.content_type if body or stream is not None else b""
    headers = [*reply.headers, *_usual(content_type, immutable=reply.immutable)]
    if stream is None:
        headers.append((b"content-length", b"%d" % len(body)))
    if by_tls:
        headers.append(_BY_TLS_ALONE)
    return headers


def _is_local(request: Request) -> bool:
    return request.headers.get(b"host", b"").startswith(LOCAL)


@lru_cache(maxsize=64)
def _usual(content_type: bytes, *, immutable: bool) -> Headers:
    """The headers of every answer with this type of content; empty: without content."""
    headers: Headers = (*_ALWAYS, _STORED if immutable else _NOT_STORED)
    if not content_type.startswith(_HTML):
        headers = (*headers, _NO_PAGE)
    return (*headers, (b"content-type", content_type)) if content_type else headers


def _shared(arrival: Arrival, request: Request) -> Headers:
    """Headers that let a page of an allowed origin read the answer."""
    return origin.sharing(request.headers, arrival.service.settings.allowed_origins)
