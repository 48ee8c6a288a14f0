"""Reads the body of a request piece by piece, within bounds."""

import codecs
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.codecs.formats import UnknownType
from app.codecs.json_text import BadInput

if TYPE_CHECKING:
    from litestar.types import Receive

MAX_PIECES = 4_096
"""Pieces of a body: each chunk from a client is one, and costs as much as many bytes do."""


class TooLarge(Exception):
    """The body, the headers or the URL are longer than the service accepts."""

    def __init__(self, status: int, message: str) -> None:
        """`status` of the answer; the message names the part that is too long, and the limit."""
        self.status = status
        super().__init__(message)


class UnknownCoding(UnknownType):
    """The body is compressed or otherwise encoded."""

    def __init__(self, coding: str) -> None:
        """`coding` is the value of Content-Encoding."""
        super().__init__(
            f"A body in Content-Encoding {coding[:40]!r} cannot be read, only a plain one"
        )


async def read_body(receive: "Receive", headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The body that the headers announce, of at most `limit` bytes.

    Raises TooLarge, UnknownCoding, or BadInput if the client disconnects in the middle.
    """
    length = announced(headers, limit)
    body = await whole(receive, limit)
    if length is not None and length != b"%d" % len(body):
        raise BadInput("The body is shorter than its Content-Length")
    coding = headers.get(b"content-encoding")
    if coding and body and coding.strip().lower() not in _PLAIN:
        raise UnknownCoding(coding.decode("latin-1"))
    # .NET clients often begin a text with a UTF-8 byte order mark.
    # XML keeps it: there, the mark takes precedence over all other declarations of the encoding.
    return body if body.startswith(_MARKED_XML) else body.removeprefix(codecs.BOM_UTF8)


def announced(headers: Mapping[bytes, bytes], limit: int) -> bytes | None:
    """The number in Content-Length, if present. Raises TooLarge if it is above `limit`."""
    given = headers.get(b"content-length")
    if given is None:
        return None
    length = given.lstrip(b"0") or b"0"  # clients may write leading zeros
    # No body has a length of more digits: such a number need not be parsed.
    if length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise _too_long(limit)
    return length


async def whole(receive: "Receive", limit: int) -> bytes:
    """A body of at most `limit` bytes.

    Raises TooLarge as soon as it is too long, or BadInput if the client disconnects in the middle.
    """
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise BadInput("The connection was closed in the middle of the body")
        part = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > limit:
            raise _too_long(limit)
        if len(parts) == MAX_PIECES:
            raise TooLarge(413, f"The body comes in more than {MAX_PIECES} pieces")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def drop(receive: "Receive", most: int) -> None:
    """Read the rest of a body, at most `most` bytes, and drop it.

    A client sends before it listens: unless the service receives everything, the client gets a
    reset instead of the answer.
    """
    left = most
    for _ in range(MAX_PIECES):
        message: Any = await receive()
        left -= len(message.get("body", b""))
        if left < 0 or not message.get("more_body", False):
            return


def _too_long(limit: int) -> TooLarge:
    return TooLarge(413, f"The body has more than {limit} bytes")


_MARKED_XML = codecs.BOM_UTF8 + b"<?xml"
_PLAIN = frozenset({b"", b"identity"})
