"""The formats in which bodies are read and written, and the choice of an answer's format.

The order of precedence is ServiceStack's: extension, `?format=`, the format in the path, Accept,
the request's own type for `*/*`, JSON. Unlike in ServiceStack, Accept's weights count.
"""

import codecs
import re
from functools import lru_cache

from msgspec import Struct

from app.codecs.json_text import BadInput


class UnknownType(Exception):
    """A body is in an unknown format or in a charset that the service does not read."""


class Format(Struct, frozen=True, kw_only=True):
    """One format of bodies."""

    name: str
    """The name in a path's extension and in `?format=`."""
    media_types: tuple[str, ...]
    """The media types by which requests name it; parameters such as `charset` do not count."""
    content_type: bytes
    """The Content-Type of answers, unless the client asked for another of its media types."""


JSON = Format(
    name="json",
    media_types=("application/json", "text/json"),
    content_type=b"application/json; charset=utf-8",
)
XML = Format(
    name="xml", media_types=("application/xml", "text/xml"), content_type=b"application/xml"
)
JSV = Format(
    name="jsv", media_types=("application/jsv", "text/jsv"), content_type=b"application/jsv"
)
CSV = Format(name="csv", media_types=("text/csv",), content_type=b"text/csv")
JSON_LINES = Format(
    name="jsonl",
    media_types=("text/jsonl", "application/jsonl", "application/x-ndjson"),
    content_type=b"text/jsonl",
)

FORMATS: dict[str, Format] = {
    format_.name: format_ for format_ in (JSON, XML, JSV, CSV, JSON_LINES)
}
"""By name, in the order of preference for a list of answers."""
ASCII = frozenset({"us-ascii", "ascii"})
UTF_8 = frozenset({"", "utf-8", "utf8", "utf_8"}) | ASCII
"""Charsets of a text that can be read as UTF-8; empty: the request names none."""
UTF_16 = frozenset({"utf-16", "utf16", "utf_16"})
"""Charsets of XML with a byte order mark."""
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Byte order marks."""
_CHARSET = re.compile(rb';\s*charset\s*=\s*["\']?([^\s;,"\']*)', re.IGNORECASE)
_BY_MEDIA_TYPE = {name: format_ for format_ in FORMATS.values() for name in format_.media_types}
_BY_SUFFIX = {"json": JSON, "xml": XML}


@lru_cache(1_024)
def answer_format(
    *, suffix: str, asked: str, handler: str, accept: bytes | None, content_type: bytes | None
) -> tuple[Format, bytes]:
    """The format of an answer and its Content-Type; JSON if no requested format is available.

    Three arguments are names of formats, empty if not given: `suffix` of the path, `asked` of
    `?format=`, and `handler` of a predefined route (`/xml/reply/…`), which Accept does not change.
    """
    named = (
        FORMATS.get(suffix) or FORMATS.get(asked.lower().partition(".")[0]) or FORMATS.get(handler)
    )
    if named is not None:
        return named, named.content_type
    for wanted in accepted(accept) if accept else ("*/*",):
        if wanted == "*/*":
            return _as_sent(media_type(content_type))
        if wanted == "application/*":
            return JSON, JSON.content_type
        if wanted == "text/*":
            return CSV, CSV.content_type
        found = _as_asked(wanted)
        if found is not None:
            return found
    return JSON, JSON.content_type


def of_media_type(name: str) -> Format | None:
    """The format that a body's media type names, if any."""
    return _BY_MEDIA_TYPE.get(name) or of_suffix(name)


def of_suffix(name: str) -> Format | None:
    """The format of a media type's suffix, if any: `application/soap+xml` (RFC 6839)."""
    _, plus, suffix = name.rpartition("+")
    return _BY_SUFFIX.get(suffix) if plus else None


def _as_asked(name: str) -> tuple[Format, bytes] | None:
    found = _BY_MEDIA_TYPE.get(name)
    if found is None:
        return None
    # JSV has two names (`text/jsv` in the documents, `application/jsv` on the wire): the answer
    # has the one that the client asked for.
    return found, found.content_type if found is JSON else name.encode()


def _as_sent(name: str) -> tuple[Format, bytes]:
    # A request's media type that only its suffix makes known cannot be the type of an answer.
    format_ = of_media_type(name) or JSON
    return _as_asked(name) or (format_, format_.content_type)


def media_type(content_type: bytes | None) -> str:
    """A Content-Type without its parameters, lower case; empty if it is absent."""
    return "" if content_type is None else _bare(content_type)


@lru_cache(256)
def _bare(content_type: bytes) -> str:
    return content_type.partition(b";")[0].strip().lower().decode("latin-1")


def require_charset(content_type: bytes, body: bytes) -> None:
    """Raise UnknownType if a body's declared charset differs from the one in which it is read.

    Every body is read as UTF-8, or as UTF-16 if it is XML with a byte order mark. In XML, the mark
    takes precedence over the declaration (RFC 7303). Raises BadInput for a body that declares
    ASCII, but is not.
    """
    charset = charset_of(content_type)
    if charset in UTF_8:
        if charset in ASCII and not body.isascii():
            raise BadInput(f"The body is not in {charset}", code="SerializationException")
        return
    if of_media_type(_bare(content_type)) is XML and (charset in UTF_16 or body.startswith(MARKS)):
        return
    raise UnknownType(f"A body in the charset {charset[:100]!r} cannot be read, but one in utf-8")


@lru_cache(256)
def charset_of(content_type: bytes | None) -> str:
    """The charset that a Content-Type names, lower case; empty if it names none."""
    found = _CHARSET.search(content_type or b"")
    return "" if found is None else found[1].decode("latin-1").lower()


@lru_cache(256)
def accepted(accept: bytes) -> tuple[str, ...]:
    """Media types or languages, lower case, by descending weight, without refused ones.

    Those of equal weight keep their order.
    """
    weighed = []
    for part in accept.decode("latin-1").lower().split(","):
        name, *parameters = [piece.strip() for piece in part.split(";")]
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                weight = _weight(value.strip())
        if name and weight > 0:
            weighed.append((weight, name))
    # RFC 9110 prefers the more specific of two equal weights; clients mean the order they wrote.
    return tuple(name for _, name in sorted(weighed, key=lambda pair: -pair[0]))


def _weight(text: str) -> float:
    try:
        return float(text) if 0.0 <= float(text) <= 1.0 else 0.0
    except ValueError:
        return 1.0  # an unreadable weight is no reason to refuse an answer
