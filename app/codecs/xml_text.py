"""XML as .NET's data contracts have it: any request that means the same is read, answers are exact.

The samples of the documents are what `write` gives, without the white space between elements.
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
    """The local name of the root element, and what is in it.

    Elements become members by their local names, in any order and in any namespace; one that
    repeats becomes a list. `i:nil` gives None, an element without content "", except for the root:
    there it gives no members. Texts keep their white space. Other attributes mean nothing, so an
    element of attributes alone is refused, but for those of a namespace, which are not the
    client's own.

    What it is written in is told by its byte order mark, else by `charset`, the one that came with
    it (lower case), else by its declaration; the later ones are then not looked at (RFC 7303).

    Raises BadInput for what is no XML in UTF-8, or in UTF-16 with a byte order mark, for document
    type definitions with all that they bring, for text beside elements, and for too much of it.
    """
    text = _decoded(body, charset)
    _refuse_crowd(text)
    target = TreeTarget()
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        # A string, not bytes: the parser then leaves the encoding to us.
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

    Members of the base class come first, and each level of the hierarchy by name; None is
    `i:nil="true"`, UNSET is not there, an empty text or list is an empty element. `name` is the
    root's, where it is not that of the class. `kind` is the class of the DTO or the DTOs; it can be
    left out unless that has a parameter (`ListResponse[AISessionInfo]`).

    U+FFFD stands for what XML 1.0 cannot hold: most control characters, lone surrogates, U+FFFE
    and U+FFFF. A carriage return is `&#xD;`: a reader would take it for a line feed otherwise.
    """
    return (_HEAD + _root(value, name, kind)).encode()


def write_pretty(
    value: Dto | Sequence[Dto], *, name: str | None = None, kind: type[Dto] | None = None
) -> str:
    """As `write`, for people: a line an element, indented by two spaces, without declaration."""
    lines = []
    depth = 0
    for found in _LINE.finditer(_root(value, name, kind)):
        tag, whole = found[0], found[1] is not None or found[0].endswith("/>")
        depth -= tag.startswith("</")
        lines.append("  " * depth + tag)
        depth += not whole and not tag.startswith("</")
    return "\n".join(lines)


def _refuse_crowd(text: str) -> None:
    """Refuse early what the parser would be long about before it tells of it.

    That is more tags, comments and the like than elements may have tags, and a single element with
    thousands of attributes. Signs in texts count as well: of these there are hardly ever as many.
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
        # The parser would guess at UTF-16 without a mark, whatever it is told.
        raise malformed(f"it holds the NUL character, and {_READ}")
    if not marked:
        _require_utf_8(charset or _declared(text), text)
    return text


def _declared(text: str) -> str:
    found = _ENCODING.match(text)
    return "utf-8" if found is None else found[1].lower()


def _require_utf_8(said: str, text: str) -> None:
    # To be told of no charset is to be told of UTF-8, to be told of an empty one is not.
    if not said or said not in UTF_8 or (said in ASCII and not text.isascii()):
        raise malformed(f"{_READ}, and it is said to be {said[:40]!r}")


class _Element(NamedTuple):
    """The tags of an element in its place, and what writes its content."""

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
    # Of an empty list without a kind nobody knows more than that.
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
    """What writes a value of this shape between the tags of its element."""
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
    # `_Element.written` in line: this is every answer's inner loop.
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
    """A value as the text of an element, escaped; what XML cannot hold as `write` has it."""
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
