"""Reads bodies in each format: the members of one request, or several requests of a batch."""

from collections.abc import Sequence

from app.codecs import csv_text, json_text, jsv, xml_text
from app.codecs.formats import CSV, JSON, JSON_LINES, JSV, XML, Format
from app.codecs.json_text import BadInput, TooManyValues
from app.codecs.limits import MAX_REQUESTS, MAX_VALUES
from app.codecs.value import Tree


def read(format_: Format, operation: str, body: bytes, charset: str = "") -> Tree:
    """The members of a request, or a list of requests. Raises BadInput for a malformed body.

    `operation` names XML's root element, in any case: `X`, or `ArrayOfX` around several requests
    (.NET's data contracts), in any namespace. `charset` is the one that the request names.
    """
    match format_.name:
        case JSON.name:
            return json_text.read(body)
        case JSON_LINES.name:
            return _read_lines(body)
        case XML.name:
            return _read_xml(operation, body, charset)
        case JSV.name:
            return jsv.read(body)
        case CSV.name:
            return csv_text.read(body)
        case _:
            raise ValueError(f"nothing reads {format_.name}")


def refuse_long(requests: Sequence[object]) -> None:
    """Raise BadInput for more requests than a batch may have."""
    if len(requests) > MAX_REQUESTS:
        raise BadInput(f"A batch holds {MAX_REQUESTS} requests at most")


def _read_xml(operation: str, body: bytes, charset: str) -> Tree:
    """The members in `<X>…</X>`, or the requests in `<ArrayOfX><X>…</X>…</ArrayOfX>`."""
    name, tree = xml_text.read(body, charset)
    own = operation.lower()
    if name.lower() == own:
        return tree
    if name.lower() != f"arrayof{own}":
        raise BadInput(
            f"The root element is {name[:100]!r}, not {operation!r}",
            code="SerializationException",
        )
    if not isinstance(tree, dict) or not {own}.issuperset(map(str.lower, tree)):
        raise BadInput(f"{name} takes elements {operation} only", code="SerializationException")
    items = next(iter(tree.values()), [])
    # An empty element is read as an empty text.
    return [item or {} for item in (items if isinstance(items, list) else [items])]


def _read_lines(body: bytes) -> Tree:
    if body.count(b"\n") + body.count(b"\r") > 2 * MAX_VALUES:
        raise TooManyValues
    lines = [line for line in map(bytes.strip, body.splitlines()) if line]
    if len(lines) > 1 and all(line[:1] == b"{" and line[-1:] == b"}" for line in lines):
        refuse_long(lines)
        json_text.screen(body)  # all lines together have the limits of one body
        return [json_text.read(line) for line in lines]
    return json_text.read(body)  # a single value may span several lines
