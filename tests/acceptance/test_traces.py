"""Traces by OpenTelemetry: from a request to its view row, and to what a follower makes of it."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from support.collector import Collector, attributes, collecting
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, free_port, service

PERSON = "Kim Nobody"
CALLER = "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def traced(collector: Collector) -> Iterator[ServiceProcess]:
    """A service of two workers that sends its traces to the collector."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with service("--workers=2") as served:
            yield served


def sent(served: ServiceProcess, method: str, path: str, trace: str, **more: Any) -> str:
    """Send a request of a trace; the id of the session that it made or read."""
    headers = {"traceparent": f"00-{trace}-{CALLER}-01", "X-Request-Id": f"r-{trace[:4]}"}
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60.0)) as client:
        answer = client.request(method, path, headers=headers, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def named(spans: list[Span], name: str) -> Span:
    (found,) = (span for span in spans if span.name == name)
    return found


def test_a_command_is_followed_to_its_view_row_and_its_follower(
    traced: ServiceProcess, collector: Collector
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent(traced, "POST", "/ai/sessions?tag=Kim", trace, json={"purpose": PERSON})
    wanted = {"POST /ai/sessions", "decide", "append", "write view", "follow history"}
    spans = collector.wait_for(trace, lambda found: wanted <= {span.name for span in found})
    assert wanted <= {span.name for span in spans}
    request = named(spans, "POST /ai/sessions")
    assert request.parent_span_id.hex() == CALLER
    assert request.kind == Span.SPAN_KIND_SERVER
    told = attributes(request)
    assert told["http.route"] == "/ai/sessions"
    assert told["http.response.status_code"] == 200
    assert told["sessionary.request_id"] == "r-4bf9"
    append, view = named(spans, "append"), named(spans, "write view")
    follow = named(spans, "follow history")
    for each in (named(spans, "decide"), append, follow):
        assert each.parent_span_id == request.span_id
    assert view.parent_span_id == append.span_id
    assert attributes(view)["sessionary.view"]
    moments = [request.start_time_unix_nano, append.start_time_unix_nano,
               view.start_time_unix_nano, view.end_time_unix_nano,
               append.end_time_unix_nano, request.end_time_unix_nano]  # fmt: skip
    assert moments == sorted(moments)
    assert follow.end_time_unix_nano > append.start_time_unix_nano
    assert attributes(follow)["sessionary.events"] == 1


def test_a_read_shows_its_statement_and_none_of_it_a_person(
    traced: ServiceProcess, collector: Collector
) -> None:
    made = sent(traced, "POST", "/ai/sessions", "a" * 32, json={"purpose": PERSON})
    sent(traced, "GET", f"/ai/sessions/{made}", "b" * 32)
    spans = collector.wait_for("b" * 32, lambda found: len(found) >= 2)
    read = named(spans, "GET /ai/sessions/{sessionId}")
    (statement, *_) = (span for span in spans if span.name == "statement")
    assert statement.parent_span_id == read.span_id
    assert attributes(statement)["db.system.name"] == "postgresql"
    everything = "".join(map(str, collector.spans)) + str(collector.resources)
    assert not any(part in everything for part in ("Kim", "Nobody", "admin", "127.0.0.1", made))
    assert {each["service.name"] for each in collector.resources} == {"sessionary"}
    for each in collector.resources:
        assert each["service.instance.id"].endswith(("/worker-1", "/worker-2"))


def test_a_caller_that_does_not_sample_gets_no_spans_and_probes_have_none(
    traced: ServiceProcess, collector: Collector
) -> None:
    trace = "c" * 32
    headers = {"traceparent": f"00-{trace}-{CALLER}-00"}
    body = {"purpose": "quiet"}
    httpx.post(f"{traced.base_url}/ai/sessions", auth=ADMIN, headers=headers, json=body)
    sent(traced, "POST", "/ai/sessions", "d" * 32, json={"purpose": "x"})
    collector.wait_for("d" * 32, lambda found: any(s.name.startswith("follow") for s in found))
    assert collector.of(trace) == []
    assert not any("/health" in span.name for span in collector.spans)


def test_an_absent_collector_delays_neither_answers_nor_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    with service() as served:
        for _ in range(3):
            sent(served, "POST", "/ai/sessions", "e" * 32, json={"purpose": "x"})
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < patient(8.0)
        assert "Traceback" not in served.log


def test_traces_that_cannot_be_sent_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with service() as served:
        assert "Warning: The OTLP protocol is grpc" in served.log
