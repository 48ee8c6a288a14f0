"""XML of .NET's data contracts: lenient with the layout of requests, exact in answers.

`write` gives the samples of the documents, without the white space between elements.
"""

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, NamedTuple

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError
from msgspec import UNSET

from app.codecs.data_contract import (
    ARRAYS_NAMESPACE,
    KeyValueOfstringstring,
    Scope,
    Shape,
    contract_members,
    contract_name,
)
from app.codecs.dto import Dto
from app.codecs.formats import ASCII, MARKS, UTF_8
from app.codecs.json_text import TooManyValues
from app.codecs.limits import MAX_VALUES
from app.codecs.value import Tree
from app.codecs.xml_target import TreeTarget, malformed

_ENCODING = re.compile(r"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]*)""")
_READ = "only UTF-8, and UTF-16 with a byte order mark, are read"

_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_SPECIAL = re.compile("[&<>\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}
_LINE = re.compile(r"<([^\s<>/]+)[^<>]*(?<!/)>[^<]*</\1>|<[^<>]*>")


def read(body: bytes, charset: str = "") -> tuple[str, Tree]:
    """The local name of the root element, and its content.

    Elements become members by their local names, in any order and in any namespace; a repeated one
    becomes a list. `i:nil` gives None. An empty element gives "", except for the root, which gives
    no members. Texts keep their white space. Other attributes have no meaning, so an element with
    attributes only is refused. Attributes with a namespace are ignored, for they are not the
    client's own.

    The byte order mark determines the encoding, else `charset` of the request (lower case), else
    the declaration; later ones are then ignored (RFC 7303).

    Raises BadInput for anything but XML in UTF-8, or in UTF-16 with a byte order mark. Also
    refused are document type definitions and their entities, text beside elements, and too many
    values.
    """
    text = _decoded(body, charset)
    _refuse_crowd(text)
    target = TreeTarget()
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        # The parser gets a string, not bytes, so that it leaves the encoding to us.
        parser.feed(text)
        parser.close()
    except DefusedXmlException as error:
        raise malformed("a document type definition is not allowed") from error
    except ParseError as error:
        raise malformed(str(error)) from error
    return target.name, target.tree


def write(
    value: Dto | Sequence[Dto], *, name: str | None = None, kind: type[Dto] | None = None
) -> bytes:
    """The data-contract document of a DTO, or of several in an `ArrayOf…`, in UTF-8.

    Members of the base class come first, and each level of the hierarchy is sorted by name. None
    is `i:nil="true"`, UNSET is absent, an empty text or list is an empty element. `name` is the
    root's, if it differs from that of the class. `kind` is the class of the DTO or DTOs; it is
    optional unless that class has a parameter (`ListResponse[AISessionInfo]`).

    U+FFFD replaces the characters that XML 1.0 cannot hold: most control characters, lone
    surrogates, U+FFFE and U+FFFF. A carriage return is written `&#xD;`: otherwise, a reader would
    take it for a line feed.
    """
    return (_HEAD + _root(value, name, kind)).encode()


def write_pretty(
    value: Dto | Sequence[Dto], *, name: str | None = None, kind: type[Dto] | None = None
) -> str:
    """As `write`, for people: one element per line, indented by two spaces, no declaration."""
    lines = []
    depth = 0
    for found in _LINE.finditer(_root(value, name, kind)):
        tag, whole = found[0], found[1] is not None or found[0].endswith("/>")
        depth -= tag.startswith("</")
        lines.append("  " * depth + tag)
        depth += not whole and not tag.startswith("</")
    return "\n".join(lines)


def _refuse_crowd(text: str) -> None:
    """Refuse early the texts that would keep the parser busy before its first event.

    That is more tags, comments and the like than the allowed elements have tags, or one element
    with thousands of attributes. Signs in texts count as well, but they are hardly ever so many.
    """
    quotes = text.count('"') + text.count("'")
    if text.count("<") > 2 * MAX_VALUES or min(text.count("="), quotes // 2) > 2 * MAX_VALUES:
        raise TooManyValues


def _decoded(body: bytes, charset: str) -> str:
    marked = body.startswith(MARKS)
    wide = marked and not body.startswith(codecs.BOM_UTF8)
    try:
        text = body.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise malformed(f"{_READ}: {error}") from error
    if "\0" in text:
        # The parser would guess UTF-16 without a mark, whatever encoding it is given.
        raise malformed(f"it holds the NUL character, and {_READ}")
    if not marked:
        _require_utf_8(charset or _declared(text), text)
    return text


def _declared(text: str) -> str:
    found = _ENCODING.match(text)
    return "utf-8" if found is None else found[1].lower()


def _require_utf_8(said: str, text: str) -> None:
    # A missing charset means UTF-8; an empty one does not.
    if not said or said not in UTF_8 or (said in ASCII and not text.isascii()):
        raise malformed(f"{_READ}, and it is said to be {said[:40]!r}")


class _Element(NamedTuple):
    """The tags of an element in its place, and the writer of its content."""

    attribute: str
    opening: str
    closing: str
    empty: str
    nil: str
    content: Callable[[Any], str]

    def written(self, value: object) -> str:
        inner = self.content(value)
        return f"{self.opening}{inner}{self.closing}" if inner else self.empty


def _root(value: Dto | Sequence[Dto], name: str | None, kind: type[Dto] | None) -> str:
    if isinstance(value, Dto):
        return _document(kind or type(value), name, many=False).written(value)
    if kind is None and value:
        kind = type(value[0])
    return _document(kind, name, many=True).written(value)


@cache
def _document(kind: type[Dto] | None, name: str | None, *, many: bool) -> _Element:
    # Nothing more is known of an empty list without a kind.
    own = "anyType" if kind is None else contract_name(kind)
    shape = Shape(kind, own, many=many)
    root = name or (f"ArrayOf{own}" if many else own)
    return _element(root, shape.namespace or ARRAYS_NAMESPACE, shape, Scope())


def _element(
    name: str, namespace: str, shape: Shape, scope: Scope, attribute: str = ""
) -> _Element:
    tag, declared, inner = scope.enter(name, namespace, shape.namespace)
    opening, closing, single = f"<{tag}{declared}>", f"</{tag}>", f"<{tag}{declared}/>"
    content = _content(shape, inner)
    return _Element(
        attribute,
        opening,
        closing,
        opening + closing if content is text_of else single,
        f'<{tag}{declared} i:nil="true"/>',
        content,
    )


def _content(shape: Shape, scope: Scope) -> Callable[[Any], str]:
    """The writer of a value of this shape between the tags of its element."""
    if shape.many:
        namespace = shape.namespace or ARRAYS_NAMESPACE
        item = _element(shape.name, namespace, Shape(shape.kind), scope)
        return partial(_pairs if shape.mapped else _items, item)
    if shape.kind is None:
        return text_of
    plan = tuple(
        _element(member.pascal, namespace, below, scope, member.attribute)
        for member, namespace, below in contract_members(shape.kind)
    )
    return partial(_members, plan)


def _members(plan: tuple[_Element, ...], value: Dto) -> str:
    written = []
    # `_Element.written` is inlined: this is the inner loop of every answer.
    for attribute, opening, closing, empty, nil, content in plan:
        member = getattr(value, attribute)
        if member is None:
            written.append(nil)
        elif member is not UNSET:
            inner = content(member)
            written.append(f"{opening}{inner}{closing}" if inner else empty)
    return "".join(written)


def _items(item: _Element, values: Sequence[object]) -> str:
    return "".join([item.written(value) for value in values])


def _pairs(pair: _Element, values: Mapping[str, str]) -> str:
    return _items(pair, [KeyValueOfstringstring(key=key, value=values[key]) for key in values])


def text_of(value: object) -> str:
    """A value as the escaped text of an element; U+FFFD replaces characters as in `write`."""
    match value:
        case str():
            return _SPECIAL.sub(_escape, value) if _SPECIAL.search(value) else value
        case bool():
            return "true" if value else "false"
        case datetime():
            return str(msgspec.to_builtins(value))
        case _:
            return str(value)


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], "\ufffd")
