"""Requests whose body never ends: they are answered in time, and hold up no stop."""

import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest
from support.patience import patient
from support.raw_http import PATIENCE_S, basic
from support.service_process import ADMIN, STOPS_S, ServiceProcess, service

DEADLINE_S = 0.5
SIGN_IN = b"POST /auth/credentials HTTP/1.1"
CREATE = b"POST /ai/sessions HTTP/1.1\r\nauthorization: " + basic(*ADMIN)
CHAT = b"POST /api/v1/ChatSession HTTP/1.1\r\nauthorization: " + basic(*ADMIN)
ANNOUNCED = b"content-length: 100"
CHUNKED = b"transfer-encoding: chunked"


@pytest.fixture(scope="module")
def hasty() -> Iterator[ServiceProcess]:
    """A service that waits only briefly for a body."""
    with service(f"--body-deadline={DEADLINE_S}") as running:
        yield running


def begun(port: int, head: bytes, length: bytes, sent: bytes) -> socket.socket:
    """A connection on which no more comes than this."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=patient(PATIENCE_S))
    connection.sendall(b"\r\n".join([head, b"host: 127.0.0.1", length, b"", sent]))
    return connection


@pytest.mark.parametrize("head", [SIGN_IN, CREATE, CHAT], ids=["anonymous", "evo", "superoffice"])
@pytest.mark.parametrize(
    ("length", "sent"),
    [(ANNOUNCED, b""), (ANNOUNCED, b'{"us'), (CHUNKED, b'4\r\n{"us\r\n')],
    ids=["no body", "a part", "a chunk"],
)
def test_a_body_that_does_not_come_is_given_up_with_its_connection(
    hasty: ServiceProcess, head: bytes, length: bytes, sent: bytes
) -> None:
    with begun(hasty.port, head, length, sent) as connection:
        answer = HTTPResponse(connection, method="POST")
        answer.begin()
        assert (answer.status, answer.getheader("connection")) == (408, "close")
        assert b"did not come" in answer.read()
        assert connection.recv(1) == b""


def test_a_body_that_does_not_come_holds_up_no_stop(hasty: ServiceProcess) -> None:
    connections = [begun(hasty.port, head, ANNOUNCED, b"{") for head in (SIGN_IN, CREATE, CHAT)]
    began = time.monotonic()
    assert hasty.stop() == 0
    assert time.monotonic() - began < patient(STOPS_S)
    assert "refused to gracefully stop" not in hasty.log
    for connection in connections:
        connection.close()
