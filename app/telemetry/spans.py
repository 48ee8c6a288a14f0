"""The spans of requests and followers, and their way out: all that knows OpenTelemetry.

The parts of a request become spans at its end, from the moments that were noted on its way. No span
holds a path, a query, an address or a name.
"""

import threading
import time
from collections.abc import Iterable
from importlib.metadata import version
from socket import gethostname

import msgspec
from msgspec import Struct
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from app.concurrency.time_spent import Phase
from app.telemetry.requests import Route
from app.telemetry.tracing import Trace

_NAME = "sessionary"
_CLOSES_S = 2.0
"""Seconds for the last spans of a worker that ends; the library itself would wait 30."""


class _Traced(Struct, rename="camel"):
    """The part of an event's metadata that says where it was traced."""

    trace_id: str | None = None
    span_id: str | None = None


_DECODER = msgspec.json.Decoder(_Traced)


class RequestSpan:
    """The span of one request, from its arrival to its answer."""

    __slots__ = ("_began_ns", "_span", "_started", "_tracer", "trace")

    def __init__(
        self, tracer: Tracer, route: Route, method: str, request_id: str, parent: Trace | None
    ) -> None:
        """Begins now."""
        self._tracer = tracer
        # Two clocks, since one of them may be set meanwhile.
        self._began_ns, self._started = time.time_ns(), time.perf_counter()
        self._span = tracer.start_span(
            f"{method} {route.template}",
            context=None if parent is None else _below(parent),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "http.route": route.template,
                "sessionary.face": route.face,
                "sessionary.operation": route.operation,
                "sessionary.request_id": request_id,
            },
            start_time=self._began_ns,
        )
        own = self._span.get_span_context()
        is_sampled = self._span.is_recording()
        self.trace = Trace(f"{own.trace_id:032x}", f"{own.span_id:016x}", is_sampled)

    def end(self, status: int, phases: Iterable[Phase]) -> None:
        """End it now, with its parts."""
        spans: dict[str | None, Span] = {}
        for phase in phases if self.trace.sampled else ():
            part = self._part(phase, spans.get(phase.within, self._span))
            part.end(self._ns(phase.until))
            spans[phase.name] = part
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end(self._ns(time.perf_counter()))

    def _part(self, phase: Phase, parent: Span) -> Span:
        kind, attributes = SpanKind.INTERNAL, {}
        if phase.name == "statement":
            kind, attributes = SpanKind.CLIENT, {"db.system.name": "postgresql"}
        if phase.view is not None:
            attributes = {"sessionary.view": phase.view}
        return self._tracer.start_span(
            phase.name,
            context=set_span_in_context(parent),
            kind=kind,
            attributes=attributes,
            start_time=self._ns(phase.since),
        )

    def _ns(self, moment: float) -> int:
        return self._began_ns + int((moment - self._started) * 1e9)


class Spans:
    """The spans of one worker."""

    def __init__(self, worker: str) -> None:
        """Takes all else from the environment, which may name the service, too."""
        release = version("sessionary")
        about = {
            "service.name": _NAME,
            "service.version": release,
            "service.instance.id": f"{gethostname()}/{worker}",
        }
        given = OTELResourceDetector().detect().attributes  # by the environment
        resource = Resource.create({name: about[name] for name in about.keys() - given.keys()})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(_NAME, release)

    def begin(
        self, route: Route, method: str, request_id: str, parent: Trace | None
    ) -> RequestSpan:
        """The span of a request that has arrived; `parent`: the caller's."""
        return RequestSpan(self._tracer, route, method, request_id, parent)

    def followed(self, follower: str, metadata: Iterable[bytes], seconds: float) -> None:
        """A follower has just written what follows from events, which took so long.

        `metadata`: of the events. The trace of each request that wrote any gets a span.
        """
        counts: dict[Trace, int] = {}
        for each in metadata:
            found = _DECODER.decode(each)
            if found.trace_id is not None and found.span_id is not None:
                trace = Trace(found.trace_id, found.span_id)
                counts[trace] = counts.get(trace, 0) + 1
        ended_ns = time.time_ns()
        for trace, events in counts.items():
            self._tracer.start_span(
                f"follow {follower}",
                context=_below(trace),
                kind=SpanKind.CONSUMER,
                attributes={"sessionary.follower": follower, "sessionary.events": events},
                start_time=ended_ns - int(seconds * 1e9),
            ).end(ended_ns)

    def close(self) -> None:
        """Send what is left, but do not wait long for an absent collector."""
        # (In a thread that the process does not wait for.)
        ending = threading.Thread(target=self._provider.shutdown, name="spans", daemon=True)
        ending.start()
        ending.join(_CLOSES_S)


def _below(parent: Trace) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    trace, span = int(parent.trace_id, 16), int(parent.span_id, 16)
    remote = SpanContext(trace, span, is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(remote))
