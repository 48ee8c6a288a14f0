"""The OData `$filter` of the SuperOffice-style lists: from text to a tree of conditions.

The reader of the tree resolves the names in it and refuses unknown ones.
"""

import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput
from msgspec import Struct

from app.codecs.json_text import BadInput

MAX_CHARACTERS = 8_000
"""Length of a filter; no URL can hold more."""
MAX_NESTING = 32
"""Depth of parentheses."""

MAX_CONDITIONS = 100
"""Conditions of a filter; in a list of values, each one but a number counts as a condition."""
MAX_VALUES = 1_000
"""Values in all lists of a filter together."""

_MARKS = re.compile(r"'(?:[^']|'')*+(?:'|\Z)|[(),]|\b(?:and|or)\b", re.IGNORECASE)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Form(Enum):
    """The notation of a value."""

    TEXT = "text"
    MOMENT = "date"
    NUMBER = "number"
    WORD = "word"


class Named(Struct, frozen=True):
    """A column, an operator or a function, as written."""

    name: str
    at: int
    """The number of its first character, from 1."""


class Value(Struct, frozen=True):
    """A value for comparison; `text` has no quotes."""

    form: Form
    text: str
    at: int


class Comparison(Struct, frozen=True):
    """`column operator value`, with no value, one value, or a list of values in parentheses."""

    column: Named
    operator: Named
    values: tuple[Value, ...]


class FunctionCall(Struct, frozen=True):
    """`function(argument, …)`."""

    function: Named
    arguments: tuple[Value, ...]


class Truth(Struct, frozen=True):
    """`call operator value`, as older clients write it: `substringof('a', text) eq true`."""

    call: FunctionCall
    operator: Named
    value: Value


class Negation(Struct, frozen=True):
    """`not` before a condition."""

    test: "Test"


class All(Struct, frozen=True):
    """Conditions joined by `and`."""

    tests: "tuple[Test, ...]"


class Either(Struct, frozen=True):
    """Conditions joined by `or`."""

    tests: "tuple[Test, ...]"


Test = Comparison | FunctionCall | Truth | Negation | All | Either
"""A condition."""


def parse(text: str) -> Test:
    """The conditions of a filter. Raises BadInput that names the place of an error."""
    _screen(text)
    try:
        found = cast("Test", _parser().parse(text))  # the result of the transformer below
    except UnexpectedInput as error:
        at, unexpected = _where(error, text)
        raise refused(f"Unexpected {unexpected}", at) from error
    if _conditions(found) > MAX_CONDITIONS:
        raise _too_many()
    return found


def refused(message: str, at: int) -> BadInput:
    """The refusal of a filter: `message`, with the number of the character at fault."""
    return BadInput(f"{message} at character {at} of $filter", field="$filter")


def _screen(text: str) -> None:
    """Refuse filters that could exhaust parser or database, or hold unstorable characters."""
    if len(text) > MAX_CHARACTERS:
        raise BadInput(f"$filter has more than {MAX_CHARACTERS} characters", field="$filter")
    if (bad := _UNSTORABLE.search(text)) is not None:
        raise refused("A character that no text has", bad.start() + 1)
    depth = 0
    seen = Counter[str]()
    for found in _MARKS.finditer(text):
        seen[found[0].lower()] += 1
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > MAX_NESTING:
            message = f"Parentheses are nested deeper than {MAX_NESTING}"
            raise refused(message, found.start() + 1)
    if seen["and"] + seen["or"] >= MAX_CONDITIONS:
        raise _too_many()
    if seen[","] >= MAX_VALUES:
        raise BadInput(f"$filter has more than {MAX_VALUES} values", field="$filter")


def _too_many() -> BadInput:
    return BadInput(f"$filter has more than {MAX_CONDITIONS} conditions", field="$filter")


def _conditions(test: Test) -> int:
    match test:
        case All(tests) | Either(tests):
            return sum(map(_conditions, tests))
        case Negation(inner):
            return _conditions(inner)
        case Comparison(values=values):
            return max(1, sum(value.form is not Form.NUMBER for value in values))
        case _:
            return 1


def _where(error: UnexpectedInput, text: str) -> tuple[int, str]:
    token = getattr(error, "token", None)
    if isinstance(token, Token) and token.type != "$END":
        return (token.start_pos or 0) + 1, repr(str(token)[:30])
    if isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        return at + 1, repr(text[at : at + 1])
    return len(text) + 1, "end"


class _Conditions(Transformer[Token, Test]):
    """Builds the conditions during parsing: no tree is walked afterwards."""

    def any(self, parts: list[Test]) -> Test:
        return Either(tuple(parts))

    def all(self, parts: list[Test]) -> Test:
        return All(tuple(parts))

    def negation(self, parts: list[Test]) -> Test:
        return Negation(parts[0])

    def comparison(self, parts: list[Token | Value]) -> Test:
        column, operator, *values = parts
        return Comparison(_named(column), _named(operator), _values(values))

    def call(self, parts: list[Token | Value]) -> Test:
        return FunctionCall(_named(parts[0]), _values(parts[1:]))

    def truth(self, parts: list[FunctionCall | Token | Value | None]) -> Test:
        match parts:
            case [FunctionCall() as call, Token() as operator, Value() as value]:
                return Truth(call, _named(operator), value)
            case _:
                return cast("FunctionCall", parts[0])

    def value(self, parts: list[Token]) -> Value:
        token = parts[0]
        match token.type:
            case "TEXT":
                return Value(Form.TEXT, token[1:-1].replace("''", "'"), _at(token))
            case "MOMENT":
                return Value(Form.MOMENT, token.partition("'")[2][:-1], _at(token))
            case form:
                return Value(_FORMS[form], str(token), _at(token))


_FORMS = {"DAY": Form.MOMENT, "NUMBER": Form.NUMBER, "NAME": Form.WORD}


def _named(token: Token | Value) -> Named:
    assert isinstance(token, Token)  # by the grammar
    return Named(str(token), _at(token))


def _values(parts: Sequence[Token | Value]) -> tuple[Value, ...]:
    return tuple(part for part in parts if isinstance(part, Value))


def _at(token: Token) -> int:
    return (token.start_pos or 0) + 1


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_suffix(".lark").read_text()
    return Lark(
        grammar, start="any", parser="lalr", transformer=_Conditions(), maybe_placeholders=True
    )
