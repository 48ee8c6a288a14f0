"""A collector of traces: takes OTLP by HTTP on a socket, and remembers the spans."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from support.patience import patient


class Collector:
    """The spans that came in so far."""

    def __init__(self) -> None:
        """None yet."""
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []
        self.url = ""

    def take(self, body: bytes) -> None:
        """Remember the spans of a request."""
        for each in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(
                {pair.key: pair.value.string_value for pair in each.resource.attributes}
            )
            for scope in each.scope_spans:
                self.spans += scope.spans

    def of(self, trace: str) -> list[Span]:
        """The spans of a trace so far."""
        return [span for span in list(self.spans) if span.trace_id.hex() == trace]

    def wait_for(self, trace: str, enough: Callable[[list[Span]], bool]) -> list[Span]:
        """The spans of a trace, once they are enough, or else after a while."""
        end = time.monotonic() + patient(30.0)
        while not enough(found := self.of(trace)) and time.monotonic() < end:
            time.sleep(0.05)
        return found


def attributes(span: Span) -> dict[str, object]:
    """The attributes of a span, texts and numbers."""
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens for as long as the block lasts."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
