"""CSV: a header of PascalCase names and a row for each DTO.

A nested value is written as JSV in its cell. The standard library does not suffice: its writer
cannot quote a cell because of its first character, and its reader confuses an empty cell with a
quoted empty one.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache

import msgspec
from msgspec import UNSET, UnsetType

from app.codecs import json_text, jsv
from app.codecs.dto import Dto
from app.codecs.json_text import BadInput, TooManyValues
from app.codecs.limits import MAX_VALUES
from app.codecs.member_names import Member, members
from app.codecs.value import Tree

_WHITE = " \t\r\n"
SEPARATORS = (",", ";", "\t")
"""Between cells, the documented one first: spreadsheets use the one of the user's country."""
# Possessive patterns never backtrack: an unclosed quote costs one scan of the rest.
_HEADER = re.compile(r'(?:[^"\r\n]++|"[^"]*+")*+')
_QUOTED = re.compile(r'"[^"]*+"')
# Spreadsheets write and read this line before the header.
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<separator>.)"?(?:\r\n?|\n)', re.IGNORECASE)
_QUOTES = re.compile(r'\A[\[{]|[",\r\n]')
# (The wide signs are those of East Asian keyboards, which spreadsheets take for the plain ones.)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_ODD = re.compile("^['`]|['`]$|[,;|\"\\x00-\\x1f\\u200b-\\u200f\\u201c-\\u201f\\u2060\\ufeff]")
"""Signs in a column's name that the header was misread: its values would be ignored silently."""
_SHOWN = 30
"""Characters of a cell that an error message quotes."""


def read(body: bytes) -> Tree:
    """The row of `body` as names to texts, or a list of rows if it has several.

    Names are those of the header, without surrounding white space. An empty cell without
    quotes is None. Blank lines are skipped. White space before a quote is layout. A line `sep=;`
    sets the separator; otherwise it is the first of `SEPARATORS` that the header has. A body that
    starts like JSON is read as JSON, which the documents show for CSV. Raises BadInput.
    """
    text = _text(body).lstrip("\r\n")
    if text.lstrip(_WHITE).startswith(("{", "[")):
        return json_text.read(body)
    separator, start = _separator(text)
    header, *rows = [row for row in _rows(text, separator, start) if row != [None]] or [[]]
    names = _names(header)
    if not rows:
        raise _malformed("a header and a row are expected")
    trees: list[Tree] = [_named(names, row, number) for number, row in enumerate(rows, 1)]
    return trees[0] if len(trees) == 1 else trees


def write(
    value: Dto | Sequence[Dto], *, kind: type[Dto] | None = None, safe: bool = False
) -> bytes:
    """A header and a row for `value`, or for each item if `value` is a list or a page of one.

    `kind` is the class of the rows; by default, the class of the first row. Without `kind` and
    rows, the header is left out, too. A member that may be absent has a column if any row has it.

    `safe` is for spreadsheets, which run a cell that starts with `= + - @`, a tab or the end of a
    line as a formula. Such a text gets a leading apostrophe, which `read` does not remove; numbers
    stay as they are.
    """
    rows = _dtos(value)
    kind = kind or next((type(row) for row in rows), None)
    if kind is None:
        return b""
    columns = [member for member in members(kind) if _has_column(member, rows)]
    lines = [",".join([column.pascal for column in columns])]
    for row in rows:
        cells = [_cell(getattr(row, column.attribute), safe) for column in columns]
        lines.append(",".join(cells))
    return "".join([f"{line}\r\n" for line in lines]).encode()


def row(cells: Sequence[object]) -> bytes:
    """A row for spreadsheets: as `write` does it with `safe`."""
    return ",".join([_cell(cell, safe=True) for cell in cells]).encode() + b"\r\n"


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"no UTF-8: {error}") from error
    if "\0" in text:
        raise _malformed("it holds the NUL character, which cannot be stored")
    return text


def _malformed(what: str) -> BadInput:
    return BadInput(f"Malformed CSV: {what}", code="SerializationException")


def _separator(text: str) -> tuple[str, int]:
    """The separator of the cells in `text`, and the place where its header starts."""
    told = _SEPARATOR_LINE.match(text)
    if told:
        if told["separator"] not in SEPARATORS:
            raise _malformed(f"cells cannot be separated by {told['separator']!r}")
        return told["separator"], told.end()
    header = _HEADER.match(text)
    names = "" if header is None else _QUOTED.sub("", header[0])
    return next((found for found in SEPARATORS if found in names), SEPARATORS[0]), 0


@cache
def _cell_pattern(separator: str) -> re.Pattern[str]:
    layout = "[ ]*+" if separator == "\t" else "[ \t]*+"
    return re.compile(
        rf'(?:{layout}"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"|(?!{layout}")(?P<bare>[^{separator}\r\n]*+))'
        rf"(?P<end>{separator}|\r\n?|\n|\Z)"
    )


def _rows(text: str, separator: str, at: int) -> Iterator[list[str | None]]:
    pattern = _cell_pattern(separator)
    row: list[str | None] = []
    for _ in range(MAX_VALUES):
        cell = pattern.match(text, at)
        if cell is None:
            raise _malformed(_open_quotes(text, at))
        bare = cell["bare"]
        row.append(cell["quoted"].replace('""', '"') if bare is None else bare or None)
        at = cell.end()
        if cell["end"] != separator:
            yield row
            if at == len(text):
                return
            row = []
    raise TooManyValues


def _open_quotes(text: str, at: int) -> str:
    shown = text[at : at + _SHOWN].strip(_WHITE)
    return f"the quotes of a cell are not closed at its end, at character {at}: {shown!r}"


def _names(header: Sequence[str | None]) -> list[str]:
    names = [(name or "").strip() for name in header]
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name:
            raise _malformed(f"column {number} of {len(names)} has no name")
        if odd := _ODD.search(name):
            shown = f"the column {name[:_SHOWN]!r} holds {odd[0]!r}"
            raise _malformed(f"{shown}, which is in no name, and is no separator here")
        if name.lower() in seen:
            raise _malformed(f"the column {name!r} is there twice")
        seen.add(name.lower())
    return names


def _named(names: Sequence[str], row: Sequence[str | None], number: int) -> dict[str, Tree]:
    if len(row) != len(names):
        raise _malformed(f"row {number} has {len(row)} cells for {len(names)} columns")
    return dict(zip(names, row, strict=True))


def _dtos(value: Dto | Sequence[Dto]) -> Sequence[Dto]:
    if not isinstance(value, Dto):
        return value
    if value.listed is None:
        return [value]
    rows: Sequence[Dto] = getattr(value, value.listed)
    return rows


def _has_column(member: Member, rows: Sequence[Dto]) -> bool:
    return not member.may_be_absent or any(
        getattr(row, member.attribute) is not UNSET for row in rows
    )


def _cell(value: object, safe: bool) -> str:
    text = _cell_text(value)
    if safe and isinstance(value, str) and text.startswith(_FORMULA):
        text = f"'{text}"
    return jsv.quote(text) if _QUOTES.search(text) else text


def _cell_text(value: object) -> str:
    match value:
        case None | UnsetType():
            return ""
        case str():
            return value
        case datetime():
            return str(msgspec.to_builtins(value))
        case _:
            return jsv.to_text(value)
