"""Operations as Litestar's routes, with its router, its guards and its exception handlers.

Only two of its features are bypassed, for the faces do these themselves: signatures, and the
writing of answers.
"""

import logging
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from functools import partial
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.utils import normalize_path

from app.concurrency.expected_wait import TooManyBefore
from app.database.errors import Superseded
from app.http import origin
from app.http.admission import Admission
from app.http.arrival import Answer, Arrival
from app.http.browser import sent_on
from app.http.door import FULL
from app.http.errors import refusal
from app.http.operation import Face, Operation
from app.http.path_normaliser import face_at
from app.http.reports import INPUT_STATUSES, STATUSES, report_input, report_refusal
from app.http.request import Reply, Request
from app.http.standby_reads import carried_out
from app.service import Service
from app.telemetry import metrics, tracing
from app.telemetry.requests import NO_ROUTE, Route

if TYPE_CHECKING:
    from litestar.connection import Request as LitestarRequest
    from litestar.response import Response
    from litestar.types import ASGIApp, ExceptionHandlersMap, Receive, Scope, Send

_LOG = logging.getLogger("sessionary.http")
_NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


class OperationHandler(HTTPRouteHandler):
    """The route of an operation. It takes the raw request and answers in bytes."""

    __slots__ = ("admission", "face", "measure", "operation", "places", "route")

    def __init__(
        self,
        face: Face,
        operation: Operation,
        verbs: Sequence[str],
        template: str,
        admission: Admission,
    ) -> None:
        """`template` is a path with `{name}` for each parameter; all routes share `admission`."""
        super().__init__(
            template.replace("}", ":str}"),
            http_method=cast("Any", verbs),
            name=f"{face.name}.{operation.name}",
            guards=[] if operation.is_anonymous else [cast("Any", _admit)],
            exception_handlers={Exception: cast("Any", _refuse)},
            middleware=[_operations_alone],
            include_in_schema=False,
        )
        self.admission = admission
        self.face = face
        self.operation = operation
        self.measure = metrics.Measure(face.name, operation.name)
        self.route = Route(face.name, operation.name, template)
        segments = enumerate(template.strip("/").split("/"))
        self.places = [
            (segment[1:-1], place) for place, segment in segments if segment.startswith("{")
        ]
        self(_without_signature)

    def resolve_exception_handlers(self) -> "ExceptionHandlersMap":
        """Its face's, as given: Litestar would put those of all layers together at each request."""
        return self.exception_handlers or {}

    async def serve(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Carry the operation out once its guards have let the caller in, and send its reply.

        The guards get this handler itself: Litestar copies it for each one, which costs 20 µs.
        """
        asked: Any = scope
        arrival, operation = Arrival(scope, receive), self.operation
        segments, places = asked["segments"], self.places
        path = {name: segments[place] for name, place in places} if places else _NO_PARAMETERS
        arrival.read_head(asked, self.face.name, operation.name, path, any_host=operation.any_host)
        service, admission = arrival.service, self.admission
        room = service.settings.most_in_flight - service.in_flight
        term = admission.let_in(room, arrival.started)
        if term is None and not operation.is_vital:
            # (Not by Litestar's way of errors, which takes longer than the rest of a refusal.)
            full = TooManyBefore(FULL)
            refused: Any = _refused(asked, self.face, full, self.measure, self.route)
            await refused(scope, receive, send)
            return
        try:
            if tracing.SPANS is not None:
                arrival.trace(self.route, asked["method"])
            await self._make_ready(arrival)
        finally:
            admission.leave_door(term)
        assert arrival.request is not None  # its head was read
        service.in_flight += 1
        try:
            reply = await carried_out(operation, arrival.request, service)
        finally:
            service.in_flight -= 1
        await Answer(arrival, reply, self.measure, self.route)(scope, receive, send)

    async def _make_ready(self, arrival: Arrival) -> None:
        """Look at the release and the caller, then read the body. Raises what refuses them."""
        if not self.operation.is_vital:
            service, known = arrival.service, arrival.service.versions
            if known.halted is not None:
                raise Superseded(f"This release does not serve: {known.halted}")
            is_old = not self.operation.is_anonymous and monotonic() > known.known_until
            if known.beside or is_old:
                await service.in_step.settle()
        guards: Any = self.resolve_guards()
        for guard in guards:
            await guard(arrival, self)
        if arrival.unread:
            await arrival.read()


def _operations_alone(app: "ASGIApp") -> "ASGIApp":
    """A middleware in the place of how Litestar calls handlers.

    Its routes put signatures, dependencies, caches and serialisation around each call, which no
    operation uses: 8 of the 28 µs that a request takes before its operation.
    """

    def answer(scope: "Scope", receive: "Receive", send: "Send") -> Awaitable[None]:
        handler: Any = scope["route_handler"]
        served: Awaitable[None] = handler.serve(scope, receive, send)
        return served

    return answer


async def _without_signature() -> None:
    """For Litestar, which looks at a function's signature; the operation takes a whole request."""


async def _admit(arrival: Arrival, handler: OperationHandler) -> None:
    """The guard of all operations except the anonymous ones: it identifies and admits the caller.

    Raises as `identify` does, Forbidden, or TooOften.
    """
    operation = handler.operation
    principal = await arrival.identify(
        handler.face.policy, is_safe=operation.is_safe, is_form=operation.is_form
    )
    if principal.must_change_password and not operation.is_first:
        principal.require_own_password()
    operation.admit(principal)
    rates = arrival.service.rates
    if rates is not None and not operation.is_vital:
        rates.take(principal.name)


def handlers(faces: Sequence[Face], admission: Admission) -> Iterator[OperationHandler]:
    """A route for each operation at each of its paths; all share `admission`."""
    for face in faces:
        for template, operations in face.routes.items():
            verbs: dict[Operation, list[str]] = {}
            for verb, operation in operations.items():
                verbs.setdefault(operation, []).extend(["GET", "HEAD"] if verb == "GET" else [verb])
            served = [verb for each in verbs.values() for verb in each]
            options = Operation(
                name="Options", handler=partial(_options, served), is_anonymous=True, is_safe=True
            )
            # (OPTIONS comes first, for Litestar adds its own to a path without one.)
            yield OperationHandler(face, options, ["OPTIONS"], template, admission)
            for operation, its in verbs.items():
                yield OperationHandler(face, operation, its, template, admission)


async def _options(verbs: Sequence[str], request: Request, service: Service) -> Reply:
    """Allow pages of allowed origins to request the path (CORS); refuse all other callers."""
    if not origin.sharing(request.headers, service.settings.allowed_origins):
        raise MethodNotAllowedException(headers={"allow": ", ".join(verbs)})
    return Reply(204, headers=origin.allowing(request.headers, verbs))


def refuse_unrouted(
    connection: "LitestarRequest[Any, Any, Any]", error: Exception
) -> "Response[Any]":
    """The exception handler for unrouted requests: the face at the path answers."""
    scope: Any = connection.scope
    app = scope["litestar_app"]
    arrival = Arrival(scope, connection.receive)
    if isinstance(error, MethodNotAllowedException):
        (verb, *_) = (error.headers or {})["allow"].split(", ")
        path = normalize_path(scope["path"])
        face = app.asgi_router.handle_routing(path=path, method=verb)[1].face
    else:
        face = face_at(app.state.faces, scope["location"])
    try:
        arrival.read_head(scope, face.name)
    except Exception as unreadable:  # an unreadable head takes precedence over a missing route
        error = unreadable
    metrics.UNMATCHED.inc()
    return _refused(scope, face, error)


def _refuse(connection: "LitestarRequest[Any, Any, Any]", error: Exception) -> "Response[Any]":
    """The exception handler of a route: the route's face answers."""
    scope: Any = connection.scope
    handler: OperationHandler = scope["route_handler"]
    return _refused(scope, handler.face, error, handler.measure, handler.route)


def _refused(
    scope: Mapping[str, Any],
    face: Face,
    error: Exception,
    measure: metrics.Measure | None = None,
    route: Route = NO_ROUTE,
) -> "Response[Any]":
    arrival: Arrival = scope["arrival"]
    retry_s = arrival.service.settings.retry_after_s
    refused = refusal(error, retry_s, face.responses, scope["method"])
    if refused.status >= 500 and refused.status != 503:
        # (Not the path, which may name a person.)
        operation = "" if arrival.request is None else arrival.request.operation
        _LOG.error("%s %s failed", face.name, operation, exc_info=error)
    metrics.REFUSALS.labels(refused.code).inc()
    if refused.status in STATUSES:
        report_refusal(error, arrival.request, arrival.service)
    elif refused.status in INPUT_STATUSES:
        report_input(error, refused, arrival.sender(scope), face.name, arrival.service)
    reply = sent_on(error, arrival.request) or face.refuse(refused, arrival.request)
    return cast("Response[Any]", Answer(arrival, reply, measure, route))
