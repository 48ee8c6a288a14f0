"""Forms and query strings: names with texts, as browsers and `curl` send them."""

import re
from collections.abc import Iterable
from io import BytesIO

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from app.codecs.formats import UTF_8
from app.codecs.json_text import BadInput, TooManyValues
from app.codecs.limits import CONTENT_TYPE_BYTES, MAX_PAIRS, MAX_VALUES, PART_BYTES
from app.codecs.value import Tree

MAX_URL_BYTES = 8 * 1024
"""Limit of a URL's path and query: longer ones are refused, and no link may be longer."""

_BOUNDARY = re.compile(rb';\s*boundary\s*=\s*(?:"([^"\\\r\n]+)"|([^\s;,"]+))', re.IGNORECASE)
_LONE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def pairs(query: bytes) -> list[tuple[str, str]]:
    """The names and values of a query string or a form, in order; a name without `=` has "".

    Names and values follow WHATWG's URL standard: `+` is a space, and `%` before anything but two
    hex digits is literal. Raises BadInput for invalid UTF-8, NUL, or more than `MAX_PAIRS` pairs.
    """
    if query.count(b"&") >= MAX_PAIRS:
        raise _malformed("query or form", f"more than {MAX_PAIRS} pairs")
    given = [pair.partition(b"=") for pair in query.split(b"&") if pair]
    try:
        query.decode()  # no escape may complete a character whose first bytes are unescaped
        found = [
            (_unescaped(name).decode(), _unescaped(value).decode()) for name, _, value in given
        ]
    except UnicodeDecodeError as error:
        raise _malformed("query or form", f"no UTF-8: {error}") from error
    return [_without_nul(name, value) for name, value in found]


def _unescaped(text: bytes) -> bytes:
    """A name or value without escapes, in linear time at C speed: forms may be all escapes."""
    text = text.replace(b"+", b" ")
    if b"%" not in text:
        return text
    text, lone = _LONE_PERCENT.subn(b"%25", text, count=MAX_VALUES)
    if lone == MAX_VALUES:
        raise TooManyValues
    # Python's own escapes have the same meaning; there, only the backslash is special besides.
    python = text.replace(b"\\", b"\\\\").replace(b"%", b"\\x")
    return python.decode("unicode_escape").encode("latin-1")


def read_urlencoded(body: bytes) -> dict[str, Tree]:
    """The members of an `application/x-www-form-urlencoded` body, with the names as sent.

    A unique name has a text, a repeated one a list of texts. Raises BadInput as `pairs` does.
    """
    return _grouped(pairs(body))


def read_multipart(body: bytes, content_type: bytes) -> dict[str, Tree]:
    """The members of a `multipart/form-data` body; `content_type` is the header, for its boundary.

    Files are read as texts. Repeated names become lists. Raises BadInput for a malformed or
    truncated body, for parts with invalid UTF-8 or NUL, and for too many or too long parts.
    """
    try:
        parser = PushMultipartParser(
            _boundary(content_type), max_segment_count=MAX_PAIRS, max_segment_size=PART_BYTES
        )
        return _grouped(_parts(parser, body))
    except MultipartError as error:
        raise _malformed("multipart form", str(error.args[0])) from error


def _malformed(what: str, message: str) -> BadInput:
    return BadInput(f"Malformed {what}: {message}", code="SerializationException")


def _boundary(content_type: bytes) -> bytes:
    if len(content_type) > CONTENT_TYPE_BYTES:
        raise _malformed("multipart form", "the content type is too long")
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise _malformed("multipart form", "the content type names no boundary")
    return found[1] or found[2]


def _parts(parser: PushMultipartParser, body: bytes) -> list[tuple[str, str]]:
    found = []
    segment, content = None, b""
    for event in parser.parse_blocking(BytesIO(body).read, max(len(body), 1)):
        if isinstance(event, MultipartSegment):
            segment, content = event, b""
        elif event is not None:
            content += event
        elif segment is not None:
            found.append(_part(segment, content))
    return found


def _part(segment: MultipartSegment, content: bytes) -> tuple[str, str]:
    if not segment.name:
        raise _malformed("multipart form", "a part has no name")
    if (segment.charset or "").lower() not in UTF_8:
        raise _malformed("multipart form", f"{segment.name!r} is not in UTF-8")
    try:
        return _without_nul(segment.name, content.decode())
    except UnicodeDecodeError as error:
        raise _malformed("multipart form", f"{segment.name!r} is no UTF-8: {error}") from error


def _without_nul(name: str, value: str) -> tuple[str, str]:
    if "\0" in name or "\0" in value:
        raise BadInput(
            "A text holds the NUL character, which cannot be stored",
            field=name.replace("\0", "") or None,
            code="InvalidCharacter",
        )
    return name, value


def _grouped(found: Iterable[tuple[str, str]]) -> dict[str, Tree]:
    values: dict[str, list[Tree]] = {}
    for name, value in found:
        values.setdefault(name, []).append(value)
    return {name: given if len(given) > 1 else given[0] for name, given in values.items()}
