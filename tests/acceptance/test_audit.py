"""`/audit` over real sockets: the feed as a stream, its readers that go or stop, and the end."""

import contextlib
import socket
import time
from base64 import b64encode
from collections.abc import Iterator

import httpx
import pytest
from msgspec import json
from support.asgi_stream import ServerSentEvent, events_in
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service

AUDITOR = ("ann", "she looks at everything twice")
FIRST = 40


@pytest.fixture(scope="module")
def watched() -> Iterator[ServiceProcess]:
    """A service of two workers, an auditor, and some events."""
    with service("--workers=2", "--drain-delay=0") as served:
        name, password = AUDITOR
        added = served.command(
            "users", "add", name, "--role", "Auditor", "--password-stdin", stdin=password
        )
        assert added.returncode == 0, added.stderr
        write(served, FIRST)
        yield served


def write(served: ServiceProcess, count: int) -> None:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60)) as client:
        for number in range(count):
            answer = client.post("/ai/sessions", json={"purpose": f"purpose {number}"})
            assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def stream(served: ServiceProcess, after: str) -> Iterator[socket.socket]:
    """A socket on which a stream of events begins."""
    credentials = b64encode(":".join(AUDITOR).encode()).decode()
    head = (
        "GET /audit/feed HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
        f"Authorization: Basic {credentials}\r\n"
        + (f"Last-Event-ID: {after}\r\n" if after else "")
        + "\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=patient(30)) as opened:
        opened.sendall(head.encode())
        yield opened


def read(opened: socket.socket, most: int) -> list[ServerSentEvent]:
    """The first events of a stream, out of its chunks."""
    text = b""
    found: list[ServerSentEvent] = []
    while len(found) < most:
        part = opened.recv(997)
        assert part, text[-300:]
        text += part
        body = text.partition(b"\r\n\r\n")[2]
        found, _ = events_in(dechunked(body).decode(errors="ignore"))
    return found[:most]


def dechunked(body: bytes) -> bytes:
    whole = b""
    while b"\r\n" in body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if len(rest) < length:
            return whole
        whole, body = whole + rest[:length], rest[length + 2 :]
    return whole


def test_a_reader_that_is_cut_off_again_and_again_misses_nothing(watched: ServiceProcess) -> None:
    cursor, places = "", []
    for round_ in range(8):
        with stream(watched, cursor) as opened:
            for event in read(opened, 6):
                data = json.decode(event.data)
                assert data["type"] == event.event
                places.append(data["position"])
                cursor = event.id
        if round_ % 3 == 0:
            write(watched, 2)
    assert places == list(range(1, len(places) + 1))


def test_a_page_of_the_feed_and_a_stream_hold_the_same_events(watched: ServiceProcess) -> None:
    with httpx.Client(base_url=watched.base_url, auth=AUDITOR) as client:
        lines = client.get("/audit/feed?limit=30").content.splitlines()
    with stream(watched, "") as opened:
        events = read(opened, 30)
    assert [json.decode(event.data) for event in events] == [
        json.decode(line) for line in lines[:-1]
    ]
    assert json.decode(lines[-1]) == {"next": {"0": 30}}


def test_the_service_ends_beside_open_streams(watched: ServiceProcess) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            assert read(stack.enter_context(stream(watched, "")), 1)
        began = time.monotonic()
        assert watched.stop() == 0, watched.log
        assert time.monotonic() - began < patient(15)
    assert "Traceback" not in watched.log
