"""HTTP as bytes on a socket, for requests that no client library would send."""

import base64
import socket
from collections.abc import Iterable
from http.client import HTTPException, HTTPResponse
from typing import Any

import msgspec
from msgspec import Struct

from support.patience import patient

PATIENCE_S = 30.0
CUT_OFF = (ConnectionError, TimeoutError, HTTPException)
"""What a client sees of a connection that the server closed without an answer."""


class Answer(Struct, frozen=True):
    """What came back."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header, named in any case; None if it is not there."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:  # whatever the body holds
        """The body, decoded."""
        return msgspec.json.decode(self.body)


def send(port: int, request: bytes | Iterable[bytes], method: str = "POST") -> Answer:
    """Send a request as it stands and read its answer; `method` tells if there is a body.

    Raises one of CUT_OFF when the server closes the connection without an answer.
    """
    parts = [request] if isinstance(request, bytes) else request
    with socket.create_connection(("127.0.0.1", port), timeout=patient(PATIENCE_S)) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has heard enough: its answer may be there
        answer = HTTPResponse(connection, method=method)
        try:
            answer.begin()
            return Answer(answer.status, answer.reason, answer.getheaders(), answer.read())
        finally:
            answer.close()


def request(
    method: str,
    target: bytes,
    body: bytes | None = None,
    headers: Iterable[tuple[bytes, bytes]] = (),
    host: bytes = b"127.0.0.1",
) -> bytes:
    """A request as most clients would write it, with whatever one asks for in it."""
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: " + host]
    lines += [name + b": " + value for name, value in headers]
    if body is not None:
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def chunked(method: str, target: bytes, parts: Iterable[bytes], *headers: bytes) -> Iterable[bytes]:
    """A request whose body comes in chunks."""
    first = method.encode() + b" " + target + b" HTTP/1.1"
    fixed = (b"Host: 127.0.0.1", b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    yield b"\r\n".join([first, *fixed, *headers]) + b"\r\n\r\n"
    for part in parts:
        yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


def basic(name: str, password: str) -> bytes:
    """The value of an Authorization header."""
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())
