"""Refuses requests at the door of a full worker: before they are routed, and with a ready answer.

Five times of what a worker can do are four refusals for each command, on the same core: refused as
everything else is, they would take the time of the commands.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar
from litestar.enums import ScopeType
from msgspec import Struct

from app.concurrency.deadline import Stalled
from app.concurrency.expected_wait import TooManyBefore
from app.http import correlation, origin
from app.http.admission import Admission
from app.http.arrival import BODILESS, DRAINED, LOCAL, framed
from app.http.body import drop
from app.http.errors import refusal
from app.http.operation import Face
from app.http.path_normaliser import by_prefix, face_at
from app.http.request import Headers, Request
from app.service import Service
from app.telemetry import metrics

if TYPE_CHECKING:
    from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

FULL = "The service has more to do than it can: try again"
_WHOLE_EVERY_S = 0.05
"""One refusal in so many seconds goes the whole way: so operators see what is asked for."""
_LONGEST = 256
"""Bytes of the headers that a ready answer hangs on; longer ones are no regular client's."""
_READY = 256
"""Ready answers that are kept, at most."""
_NO_BODY = (None, b"0")


class Ready(Struct, frozen=True):
    """A ready answer, but for the id of its request."""

    status: int
    headers: Headers
    body: bytes
    count: Callable[[], None]
    """Counts it as one of its face."""


Refusal = tuple[Ready, Mapping[bytes, bytes]]
"""A ready answer, and the headers of the request that gets it."""


class Door:
    """The door of one worker. What is not refused here goes on, and may still be refused."""

    def __init__(self, service: Service, admission: Admission, faces: Sequence[Face]) -> None:
        """`admission`: that of the routes of these faces."""
        self._service = service
        self._admission = admission
        self._faces = by_prefix(faces)
        others = [path for face in faces if not face.refuses_alike for path in face.routes]
        self._apart = frozenset(others)
        self._apart_below = {_first(path) for path in others if "{" in path}
        self._whole_at = 0.0
        self._ready = lru_cache(_READY)(self._made_ready)

    def refusal(self, scope: Mapping[str, Any]) -> Refusal | None:
        """The answer to a request that comes while there is no room; None: it goes on.

        It also goes on if its answer hangs on more than what ready ones do, or must be logged.
        """
        service, now = self._service, perf_counter()
        settings = service.settings
        if not self._admission.is_full(settings.most_in_flight - service.in_flight, now):
            return None
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if service.requests.logs_refusals or not _is_plain(scope, headers):
            return None
        location = scope["location"]
        face, first = face_at(self._faces, location), _first(location)
        if not face.refuses_alike or scope["path"] in self._apart or first in self._apart_below:
            return None
        if now >= self._whole_at:
            self._whole_at = now + _WHOLE_EVERY_S
            return None
        scheme: str = scope["scheme"]
        if settings.behind_proxy:
            scheme = origin.scheme(headers, scheme)
        if scheme == "https" and headers.get(b"host", b"").startswith(LOCAL):
            scheme = "http"  # as far as its answer goes
        accept, content_type = headers.get(b"accept"), headers.get(b"content-type")
        suffix = scope["suffix"]
        return self._ready(face.name, first, suffix, accept, content_type, scheme), headers

    def _made_ready(
        self, name: str, first: str, suffix: str,
        accept: bytes | None, content_type: bytes | None, scheme: str,
    ) -> Ready:  # fmt: skip
        face = next(each for each in self._faces if each.name == name)
        known = {b"accept": accept, b"content-type": content_type}
        headers = {name: value for name, value in known.items() if value is not None}
        asked = Request(method="", headers=headers, location=first, suffix=suffix)
        retry_s = self._service.settings.retry_after_s
        refused = refusal(TooManyBefore(FULL), retry_s, face.responses)
        reply = face.refuse(refused, asked)
        count = metrics.REFUSALS.labels(refused.code).inc
        measure = metrics.Measure(name, "")  # nobody knows of which operation

        def counted() -> None:
            count()
            measure.count(refused.status)

        return Ready(reply.status, framed(reply, by_tls=scheme == "https"), reply.body, counted)

    async def refuse(
        self, refusal: Refusal, scope: Mapping[str, Any], receive: "Receive", send: "Send"
    ) -> None:
        """Send the answer, then receive the rest of the request."""
        ready, headers = refusal
        request_id = correlation.request_id(headers.get(b"x-request-id"))
        named = [(b"x-request-id", request_id.encode()), *ready.headers]
        await send({"type": "http.response.start", "status": ready.status, "headers": named})
        await send({"type": "http.response.body", "body": ready.body, "more_body": False})
        ready.count()
        if scope["method"] in BODILESS:
            return
        if headers.get(b"content-length") in _NO_BODY and b"transfer-encoding" not in headers:
            return
        service = self._service
        with suppress(Stalled):
            await service.bodies.wait(drop(receive, DRAINED * service.settings.body_bytes))


class BehindDoor(Litestar):
    """An application that gets only what is not refused at its door."""

    service: Service
    """Set when the application starts; in Litestar's state, each request would pay for a proxy."""
    _door: Door

    def take_up(self, service: Service, door: Door) -> None:
        """Serve from now on."""
        self.service, self._door = service, door

    async def __call__(
        self, scope: "Scope | LifeSpanScope", receive: "Receive | LifeSpanReceive",
        send: "Send | LifeSpanSend",
    ) -> None:  # fmt: skip
        """Let a request in that is not refused at the door."""
        if scope["type"] == ScopeType.HTTP:
            asked: Any = scope
            refused = self._door.refusal(asked)
            if refused is not None:
                whole = cast("Receive", receive), cast("Send", send)
                await self._door.refuse(refused, asked, *whole)
                return
        await super().__call__(scope, receive, send)


def _is_plain(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bool:
    """Whether a program asks, without a query that may name a format."""
    accept = headers.get(b"accept", b"")
    return not (
        scope["query_string"]
        or scope["method"] == "HEAD"
        or b"origin" in headers
        or b"html" in accept.lower()
        or len(headers) < len(scope["headers"])
        or len(accept) + len(headers.get(b"content-type", b"")) > _LONGEST
    )


def _first(path: str) -> str:
    """The first part of a path, lower case."""
    return path.strip("/").partition("/")[0].lower()
