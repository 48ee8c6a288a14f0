"""Whether requests are traced: not unless the standard OTEL_ variables ask for it.

The library behind it is imported only then. Each worker makes what it needs of it by itself: its
threads would not outlive a fork.
"""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from app.telemetry.spans import Spans

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_LIBRARY = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


class Trace(Struct, frozen=True):
    """Where a span is, as a `traceparent` says it."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    sampled: bool = True


SPANS: "Spans | None" = None
"""Of this worker; None: nobody asked for traces."""


def is_asked() -> bool:
    """Whether the environment asks for traces, as OpenTelemetry's specification has it."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "")
    return exporter != "none" and bool(exporter or any(map(os.environ.get, _ENDPOINTS)))


def reason_against() -> str | None:
    """Why the traces that are asked for cannot be sent; None if they can, or none are."""
    if not is_asked():
        return None
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "") or "otlp"
    if exporter != "otlp":
        return f"OTEL_TRACES_EXPORTER is {exporter}, but traces go out by otlp only"
    protocol = next(filter(None, map(os.environ.get, _PROTOCOLS)), _PROTOCOL)
    if protocol != _PROTOCOL:
        return f"The OTLP protocol is {protocol}, but traces go out by {_PROTOCOL} only"
    if _is_installed():
        return None
    return (
        "The variables OTEL_… ask for traces, but OpenTelemetry is not installed: "
        "`pip install 'sessionary[otel]'`"
    )


def begin(worker: str) -> None:
    """Let this worker trace its requests, if that is asked for and possible."""
    global SPANS
    if is_asked() and reason_against() is None:
        from app.telemetry.spans import Spans

        SPANS = Spans(worker)


def end() -> None:
    """Send what is left, and trace no more."""
    global SPANS
    ending, SPANS = SPANS, None
    if ending is not None:
        ending.close()


def _is_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _LIBRARY)
    except ModuleNotFoundError:
        return False
