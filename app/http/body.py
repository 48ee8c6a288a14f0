"""The body of a request as it comes: piece by piece, within bounds."""

import codecs
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.codecs.formats import UnknownType
from app.codecs.json_text import BadInput

if TYPE_CHECKING:
    from litestar.types import Receive

MAX_PIECES = 4_096
"""Of a body: each chunk of a client's is one, and costs as much as many bytes do."""


class TooLarge(Exception):
    """Body, headers or URL are longer than the service takes."""

    def __init__(self, status: int, message: str) -> None:
        """`status` to answer with; the message says what is too long, and what the limit is."""
        self.status = status
        super().__init__(message)


class UnknownCoding(UnknownType):
    """The body is compressed, or coded in another way."""

    def __init__(self, coding: str) -> None:
        """`coding`: the value of Content-Encoding."""
        super().__init__(
            f"A body in Content-Encoding {coding[:40]!r} cannot be read, only a plain one"
        )


async def read_body(receive: "Receive", headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The body that headers announce, of at most `limit` bytes.

    Raises TooLarge, UnknownCoding, or BadInput when the client stopped in its middle.
    """
    length = announced(headers, limit)
    body = await whole(receive, limit)
    if length is not None and length != b"%d" % len(body):
        raise BadInput("The body is shorter than its Content-Length")
    coding = headers.get(b"content-encoding", b"").decode("latin-1")
    if body and coding.strip().lower() not in _PLAIN:
        raise UnknownCoding(coding)
    # .NET clients like to begin a text with a mark that it is UTF-8.
    # XML keeps it: there it goes before whatever else is said of the encoding.
    return body if body.startswith(_MARKED_XML) else body.removeprefix(codecs.BOM_UTF8)


def announced(headers: Mapping[bytes, bytes], limit: int) -> bytes | None:
    """The number in Content-Length, if it is there. Raises TooLarge if it is above `limit`."""
    given = headers.get(b"content-length")
    if given is None:
        return None
    length = given.lstrip(b"0") or b"0"  # clients may write zeros before it
    # Longer numbers than any body has are not worth to be read.
    if length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise _too_long(limit)
    return length


async def whole(receive: "Receive", limit: int) -> bytes:
    """A body of at most `limit` bytes.

    Raises TooLarge as soon as it is too long, or BadInput when the client stopped in its middle.
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
    return b"".join(parts)


async def drop(receive: "Receive", most: int) -> None:
    """Read what still comes of a body, `most` bytes of it, and drop it.

    A client sends before it listens: it gets a reset instead of the answer, unless what it sends is
    taken.
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
_PLAIN = frozenset({"", "identity"})
