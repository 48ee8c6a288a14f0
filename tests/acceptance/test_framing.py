"""Requests on the edge of HTTP/1.1's syntax (RFC 9112), as bytes on a socket."""

import re
import socket
from contextlib import suppress
from http.client import HTTPResponse

import pytest
from support.patience import patient
from support.raw_http import PATIENCE_S
from support.service_process import ServiceProcess

LIVE = b"GET /health/live HTTP/1.1"
FACES = [b"GET /health/live", b"GET /ai/sessions/1", b"GET /api/v1/ChatSession/1", b"GET /metadata"]
SIGN_IN = b"POST /auth HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked"
EMPTY = b"0\r\n\r\n"
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
SMUGGLED = LIVE + b"\r\nHost: a\r\n\r\n"


def lines(*head: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([*head, b"", body])


def status_of(port: int, sent: bytes) -> int:
    """The first answer's status."""
    with socket.create_connection(("127.0.0.1", port), timeout=patient(PATIENCE_S)) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        answer = HTTPResponse(connection, method="GET")
        answer.begin()
        return answer.status


def answers_until_closed(port: int, sent: bytes) -> list[int]:
    """The statuses of all that comes before the server closes the connection."""
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patient(PATIENCE_S)) as connection:
        with suppress(ConnectionError):
            connection.sendall(sent)
        with suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                came += part
    return [int(found) for found in ANSWER.findall(came)]


@pytest.mark.parametrize("face", FACES)
def test_a_request_of_http_1_1_names_one_host(served: ServiceProcess, face: bytes) -> None:
    line = face + b" HTTP/1.1"
    assert status_of(served.port, lines(line)) == 400
    assert status_of(served.port, lines(line, b"Host: a", b"Host: a")) == 400
    assert status_of(served.port, lines(line, b"Host: a", b"Host: b")) == 400
    assert status_of(served.port, lines(line, b"Host: a")) in (200, 401)


def test_an_absolute_target_is_taken(served: ServiceProcess) -> None:
    assert status_of(served.port, lines(b"GET http://a/health/live HTTP/1.1", b"Host: a")) == 200


@pytest.mark.parametrize(
    "host",
    [
        b"", b" ", b"a b", b"a, b", b"a/b", b"user@a", b"a:x", b"a:1:2", b"[::1", b"::1", b"%zz",
        b"<a>", b"a\xff", b"a" * 301, b":80",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused(served: ServiceProcess, host: bytes) -> None:
    assert status_of(served.port, lines(LIVE, b"Host: " + host)) == 400


@pytest.mark.parametrize(
    "host",
    [b"a", b"a.example:8000", b"127.0.0.1:80", b"[::1]", b"[::1]:8000", b"a_b-c", b"a:", b"%41"],
)
def test_a_host_is_taken(served: ServiceProcess, host: bytes) -> None:
    assert status_of(served.port, lines(LIVE, b"Host: " + host)) == 200


@pytest.mark.parametrize("host", [(), (b"Host: a",)], ids=["none", "one"])
def test_http_1_0_needs_no_host(served: ServiceProcess, host: tuple[bytes, ...]) -> None:
    sent = lines(b"GET /health/live HTTP/1.0", *host)
    assert answers_until_closed(served.port, sent) == [200]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ((b"Content-Length: 2", b"Content-Length: 3"), b"{}"),
        ((b"Content-Length: +2",), b"{}"),
        ((b"Content-Length: -2",), b"{}"),
        ((b"Content-Length: 2, 3",), b"{}"),
        ((b"Transfer-Encoding: xchunked",), EMPTY),
        ((b"Transfer-Encoding: chunked, identity",), EMPTY),
        ((CHUNKED,), b"2\r\n{}XX\r\n" + EMPTY),
        ((CHUNKED,), b"x\r\n{}\r\n" + EMPTY),
        ((b"X: b", b" c"), b""),
        ((b"X : b",), b""),
        ((b"X: \0",), b""),
    ],
)
def test_a_body_or_header_of_unclear_bounds_ends_the_connection(
    served: ServiceProcess, head: tuple[bytes, ...], body: bytes
) -> None:
    sent = lines(SIGN_IN, b"Host: a", *head, body=body) + SMUGGLED
    assert answers_until_closed(served.port, sent) == [400]


def test_nothing_is_served_after_a_request_with_two_lengths(served: ServiceProcess) -> None:
    """RFC 9112, 6.1: the chunks count, and the connection ends."""
    sent = lines(SIGN_IN, b"Host: a", b"Content-Length: 4", CHUNKED, body=EMPTY) + SMUGGLED
    assert answers_until_closed(served.port, sent) in ([400], [401])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (lines(LIVE, b"Host: a", b"X: " + b"a" * 100_000), 431),
        (lines(LIVE, b"Host: a", *[b"X: a"] * 101), 431),
        (lines(LIVE, b"Host: a", *[b"X: a"] * 10_000), 431),
        (lines(b"GET /health/live?" + b"a" * 100_000 + b" HTTP/1.1", b"Host: a"), 414),
        (lines(b"GET /health/live HTTP/1.2", b"Host: a"), 400),
        (lines(b"POST /auth HTTP/1.0", b"Host: a", CHUNKED, body=EMPTY), 400),
        (b"GET /health/live\r\n\r\n", 400),
        (b"GET /health/live HTTP/1.1\nHost: a\n\n", 200),  # which RFC 9112, 2.2, allows
    ],
    ids=["long", "101", "10,000", "URL", "1.2", "chunks in 1.0", "0.9", "LF"],
)
def test_other_edges(served: ServiceProcess, sent: bytes, status: int) -> None:
    assert status_of(served.port, sent) == status
