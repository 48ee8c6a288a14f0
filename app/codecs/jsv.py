"""JSV, ServiceStack's text format: the shapes of JSON with the quotes of CSV.

White space is significant in values only: `{a: b}` gives a text that starts with a space. A text
with one of `" : , { } [ ]` or a line break is quoted. Quotes in it are doubled; JSV has no escapes.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NoReturn

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from app.codecs import json_text
from app.codecs.dto import Dto
from app.codecs.json_text import BadInput, Budget, TooManyValues
from app.codecs.limits import MAX_DEPTH, MAX_VALUES
from app.codecs.member_names import members
from app.codecs.value import Tree

_WHITE = " \t\r\n"
# The patterns below never backtrack: no input makes them try a character twice in one place.
_SPACE = re.compile(r"[ \t\r\n]*+")
_LOOKS_LIKE_JSON = re.compile(r'(?:\[[ \t\r\n]*+)?\{[ \t\r\n]*+"')
_OPEN = re.compile(r"[ \t\r\n]*+([\[{])")
_QUOTED_TEXT = r'[ \t\r\n]*+"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"[ \t\r\n]*+'
_KEY = re.compile(rf'(?:{_QUOTED_TEXT}|(?P<bare>[^"{{}}\[\],:]++)):')
_VALUE = rf"[ \t\r\n]*+(?P<open>[\[{{])|{_QUOTED_TEXT}|"
_MEMBER = re.compile(rf"{_VALUE}(?P<bare>[^,}}]*+)")
_ITEM = re.compile(rf"{_VALUE}(?P<bare>[^,\]]*+)")
_LAYOUT = tuple(
    f"{before}{end}{indent}" for before in "{," for end in ("\n", "\r\n") for indent in " \t"
)

_SPECIAL = re.compile(r'[":,{}\[\]\r\n]')
_TOKEN = re.compile(r'"[^"]*+"|\{\}|\[\]|[{}\[\],:]|[^"{}\[\],:]++')


def read(body: bytes) -> Tree:
    """The object or list in `body`; its scalars are texts, or None where empty.

    It reads the compact form, the pretty-printed samples of the documents, and JSON, whose scalars
    keep their types. In a pretty-printed text (with an indented line after `{` or a comma), white
    space around an unquoted text is layout. Before a quote or a bracket it is always layout: a
    writer would have quoted a text with such a character. Raises BadInput.
    """
    text = _text(body).strip(_WHITE)
    looks_like_json = _LOOKS_LIKE_JSON.match(text) is not None
    if looks_like_json:
        try:
            return json_text.read(body)
        except BadInput as error:
            # JSV may have quotes around keys, too, but no writer quotes the names of members.
            if error.code != "SerializationException":
                raise
    return _Reader(text, Budget(), trims=looks_like_json or _is_pretty_printed(text)).read()


def read_value(text: str, budget: Budget | None = None) -> Tree:
    """The list in a query or form parameter: `a,b`, `[a,b]` or `["a,b",c]`; [] if `text` is empty.

    Items are as in `read`; each one spends from `budget`. Raises BadInput.
    """
    _refuse_nul(text)
    listed = text if text.startswith("[") else f"[{text}]"
    return _Reader(listed, budget or Budget(), trims=False).read()


def _is_pretty_printed(text: str) -> bool:
    """Whether a line after `{` or a comma is indented, outside of quoted texts."""
    if not any(layout in text for layout in _LAYOUT):
        return False
    # Doubled quotes occur in quoted texts only: without them, all other quotes form pairs.
    parts = text.replace('""', "").split('"', 4 * MAX_VALUES + 1)
    if len(parts) > 4 * MAX_VALUES + 1:
        raise TooManyValues
    outside = '"'.join(parts[::2])
    return any(layout in outside for layout in _LAYOUT)


def write(value: Dto | Sequence[Dto]) -> bytes:
    """The compact form, without members that are None or UNSET.

    Raises TypeError for a member of a type that no DTO has.
    """
    return to_text(value).encode()


def write_pretty(value: Dto | Sequence[Dto]) -> str:
    """The form of the documents' samples: one member or item per line, indented by tabs."""
    pieces: list[str] = []
    depth = 0
    for token in _TOKEN.findall(to_text(value)):
        depth += (token in ("{", "[")) - (token in ("}", "]"))
        line = "\n" + "\t" * depth
        match token:
            case "{" | "[" if pieces and pieces[-1] == ": ":
                # The bracket is on a line of its own, at the depth of its name.
                pieces += (line.removesuffix("\t"), token, line)
            case "{" | "[" | ",":
                pieces += (token, line)
            case "}" | "]":
                pieces += (line, token)
            case ":":
                pieces.append(": ")
            case _:
                pieces.append(token)
    return "".join(pieces)


def to_text(value: object) -> str:
    """The compact form of any value that a member of a DTO may have, except None."""
    return _WRITERS[type(value)](value)


def quote(text: str) -> str:
    """`text` in quotes, with inner quotes doubled, as in CSV."""
    return '"' + text.replace('"', '""') + '"'


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"no UTF-8: {error}") from error
    _refuse_nul(text)
    return text


def _refuse_nul(text: str) -> None:
    if "\0" in text:
        raise _malformed("it holds the NUL character, which cannot be stored")


def _malformed(what: str) -> BadInput:
    return BadInput(f"Malformed JSV: {what}", code="SerializationException")


class _Reader:
    """Reads one text from left to right; open objects and lists wait on a stack."""

    def __init__(self, text: str, budget: Budget, *, trims: bool) -> None:
        self._text = text
        self._at = 0
        self._budget = budget
        self._trims = trims
        self._open: list[dict[str, Tree] | list[Tree]] = []

    def read(self) -> Tree:
        """The object or list that makes up the whole text. Raises BadInput."""
        found = _OPEN.match(self._text)
        if found is None:
            self._refuse("an object or a list is expected")
        self._at = found.end()
        whole = self._open_one(found[1])
        first = True
        while self._open:
            parent = self._open[-1]
            if self._take("]" if type(parent) is list else "}"):
                self._open.pop()
                self._skip_space()
                first = False
            elif first or self._take(","):
                first = self._item(parent)
            else:
                self._refuse("a comma or the end of the object or list is expected")
        if self._at != len(self._text):
            self._refuse("the text should end here")
        return whole

    def _item(self, parent: dict[str, Tree] | list[Tree]) -> bool:
        """Read one item or member into `parent`. Returns whether it opened an object or list."""
        key = "" if isinstance(parent, list) else self._key(parent)
        pattern = _ITEM if isinstance(parent, list) else _MEMBER
        found = pattern.match(self._text, self._at)
        assert found is not None  # a text may be empty
        self._at = found.end()
        group = found.lastgroup
        if group == "open":
            value: Tree = self._open_one(found[group])
        else:
            self._budget.spend()
            value = self._bare(found[0]) if group == "bare" else _unquote(found["quoted"])
        if isinstance(parent, list):
            parent.append(value)
        else:
            parent[key] = value
        return group == "open"

    def _open_one(self, bracket: str) -> dict[str, Tree] | list[Tree]:
        if len(self._open) == MAX_DEPTH:
            self._refuse(f"it is nested deeper than {MAX_DEPTH} levels")
        self._budget.spend()
        opened: dict[str, Tree] | list[Tree] = [] if bracket == "[" else {}
        self._open.append(opened)
        # In a list, white space may belong to the first item; names are trimmed anyway.
        if self._trims or bracket == "{":
            self._skip_space()
        return opened

    def _key(self, parent: dict[str, Tree]) -> str:
        found = _KEY.match(self._text, self._at)
        if found is None:
            self._refuse("a name and a colon are expected")
        self._at = found.end()
        bare = found["bare"]
        key: str = _unquote(found["quoted"]) if bare is None else bare.strip(_WHITE)
        if not key and bare is not None:
            self._refuse("a member has no name")
        if key in parent:
            self._refuse(f"the member {key!r} is given twice")
        return key

    def _bare(self, bare: str) -> str | None:
        """A text without quotes; None for an empty one."""
        stripped = bare.strip(_WHITE)
        if stripped[:1] == '"':
            self._refuse("a quote is not closed")
        return (stripped if self._trims else bare) or None

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None  # it may be empty
        self._at = found.end()

    def _take(self, character: str) -> bool:
        found = self._text.startswith(character, self._at)
        self._at += found
        return found

    def _refuse(self, what: str) -> NoReturn:
        raise _malformed(f"{what}, at character {self._at}")


def _unquote(text: str) -> str:
    return text.replace('""', '"')


def _write_text(value: str) -> str:
    return quote(value) if _SPECIAL.search(value) or not value else value


def _write_date(value: datetime) -> str:
    return f'"{msgspec.to_builtins(value)}"'


def _write_list(value: Sequence[object]) -> str:
    return "[" + ",".join([_WRITERS[type(item)](item) for item in value]) + "]"


def _write_map(value: dict[str, object]) -> str:
    pairs = [f"{_write_text(key)}:{_WRITERS[type(item)](item)}" for key, item in value.items()]
    return "{" + ",".join(pairs) + "}"


def _dto_writer(kind: type[Dto]) -> Callable[[Dto], str]:
    keys = [f"{member.camel}:" for member in members(kind)]

    def write_dto(value: Dto) -> str:
        pairs = [
            key + _WRITERS[type(member)](member)
            for key, member in zip(keys, astuple(value), strict=True)
            if member is not None and member is not UNSET
        ]
        return "{" + ",".join(pairs) + "}"

    return write_dto


class _Writers(dict[type, Callable[[Any], str]]):
    """The writer for values of each class; that of a new class is worked out once."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        if issubclass(kind, Dto):
            writer: Callable[[Any], str] = _dto_writer(kind)
        else:
            writer = next((self[base] for base in kind.__mro__[1:] if base in self), _no_writer)
        self[kind] = writer
        return writer


def _no_writer(value: object) -> NoReturn:
    raise TypeError(f"JSV has no form for a {type(value).__name__}")


_WRITERS = _Writers(
    {
        str: _write_text,
        bool: str,
        int: str,
        datetime: _write_date,
        list: _write_list,
        tuple: _write_list,
        dict: _write_map,
    }
)
