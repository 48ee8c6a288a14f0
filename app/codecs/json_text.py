"""Reading JSON that strangers sent: whatever is wrong ends in `BadInput`, naming the field."""

import contextlib
import json
import re
from collections.abc import Callable, Collection, Hashable, Iterable
from functools import cache
from itertools import islice
from typing import Any, TypeVar, cast

import msgspec

from app.codecs.limits import MAX_DEPTH, MAX_VALUES
from app.codecs.value import Tree

T = TypeVar("T")

ANY: msgspec.json.Decoder[Tree] = msgspec.json.Decoder(float_hook=float)
"""Of no type in particular; a number too large becomes inf.

Python reads numbers such as 1e300 thirty times as fast as the decoder does by itself.
"""
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_MEMBER = re.compile(r"[^.\[\]]+")
_TOLD = 1_000
"""Characters of a message, and of a member's name in it."""
_SHOWN, _NAMED = 60, 5
"""Characters of an unknown member's name that are told, and how many such members."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class BadInput(Exception):
    """Input that cannot be read; `field` is the wire name of the member at fault, if there is one.

    `code` is a short stable word for programs, the message is for humans.
    """

    def __init__(self, message: str, *, field: str | None = None, code: str = "BadRequest") -> None:
        """See the class. Of what a client wrote, no more is told than people read."""
        self.field = field and field[:_TOLD]
        self.code = code
        super().__init__(message[:_TOLD])


class TooManyValues(BadInput):
    """A body that would keep the process from all others for too long."""

    def __init__(self, most: int = MAX_VALUES, what: str = "The body holds") -> None:
        """Says of `what` that it is more than `most` values."""
        super().__init__(f"{what} more than {most} values", code="TooManyValues")


class Budget:
    """What is left of a number of values, for what counts while it works."""

    __slots__ = ("_left", "_most", "_what")

    def __init__(self, most: int = MAX_VALUES, what: str = "The body holds") -> None:
        """With nothing spent; `what` is told of what spends too much."""
        self._left = self._most = most
        self._what = what

    def spend(self, values: int = 1) -> None:
        """Count more values. Raises TooManyValues."""
        self._left -= values
        if self._left < 0:
            raise TooManyValues(self._most, self._what)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The value in `body`. Raises BadInput for whatever is wrong with it."""
    value = _decoded(decoder, body)
    # No more colons than members that came in: none of them can be there twice.
    if body.count(b":") > _given(value):
        _refuse_twins(body)
    return value


def decode_some(decoder: msgspec.json.Decoder[T], body: bytes) -> T | None:
    """As `decode`, or None where some member of `body` may have gone unread or come twice."""
    value = _decoded(decoder, body)
    return value if body.count(b":") <= _given(value) else None


def read(body: bytes) -> Tree:
    """The text as it stands, of no type in particular. Raises BadInput as `decode` does."""
    value = _decoded(ANY, body)
    if body.count(b":"):
        _refuse_twins(body)
    return value


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    screen(body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(body, error) from error


def _refuse_twins(body: bytes) -> None:
    if b"\\" not in body:  # then every quote starts or ends a string
        parts = body.split(b'"')
        after = zip(parts[1::2], parts[2::2], strict=False)
        names = [text for text, rest in after if rest.lstrip()[:1] == b":"]
        if len(set(names)) == len(names):  # on whatever level
            return
    json.loads(body, object_pairs_hook=_members, parse_int=str)


def screen(body: bytes) -> None:
    """Refuse what a decoder would let through or choke on.

    That is bad UTF-8, more than `MAX_VALUES`, deep nesting, and NUL.
    """
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise BadInput(
                f"Malformed JSON, no UTF-8: {error}", code="SerializationException"
            ) from error
    # Counts at C speed, which take in those in texts, spare nearly every body the exact one.
    opened = _opened(body)
    if opened > MAX_DEPTH or (len(body) > MAX_VALUES and opened + body.count(b",") >= MAX_VALUES):
        _screen_structure(_outside_texts(body))
    if b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b"  "):
        raise BadInput(
            "A string holds the NUL character (\\u0000), which cannot be stored",
            field=_field_with_nul(body),
            code="InvalidCharacter",
        )


def invalid(error: msgspec.ValidationError) -> BadInput:
    """What a value of the wrong type or size is told: msgspec's words, and the member's name."""
    text = str(error)
    found = _PATH.search(text)
    if found is None:
        missing = _MISSING.search(text)
        return BadInput(text, field=missing and missing["name"], code="ValidationException")
    members = _MEMBER.findall(found["path"])
    field = ".".join(name for name in members if name != "..." and not name.isdigit())
    return BadInput(text[: found.start()], field=field or None, code="ValidationException")


def unknown_members(
    kind: str, given: Collection[str], known: Iterable[str], path: str = ""
) -> BadInput:
    """What a body, or an object in it, is told that has no member which is known.

    `kind` is what it was read as, `given` its members' names, at least one, `path` what stands
    before them.
    """
    names = [name[:_SHOWN] for name in islice(given, _NAMED)]
    told = ", ".join(map(repr, names)) + (", …" if len(given) > _NAMED else "")
    own = ", ".join(known) or "none"
    message = f"None of the members is known: {told}; those of {kind} are: {own}"
    return BadInput(message, field=path + names[0], code="UnknownMember")


def _given(value: object) -> int:
    """How many members came in for sure: those that differ from what they are without."""
    defaults = _defaults(cast("Hashable", type(value)))
    return sum([getattr(value, name) != default for name, default in defaults])


@cache
def _defaults(kind: type[Any]) -> tuple[tuple[str, object], ...]:
    names = getattr(kind, "__struct_fields__", ())
    defaults = getattr(kind, "__struct_defaults__", ())
    required = (msgspec.NODEFAULT,) * (len(names) - len(defaults))
    return tuple(zip(names, (*required, *defaults), strict=True))


def _members(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise BadInput(f"The member {name!r} is given twice", field=name)
        seen.add(name)


def _opened(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def _outside_texts(body: bytes) -> bytes:
    """A body with `"` for each text or name. One that is not closed takes the rest with it."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # A value is a text at the most, and so is its name.
    if bare.count(b'"') > 4 * MAX_VALUES:
        raise TooManyValues
    return b'"'.join(bare.split(b'"')[::2])


def _screen_structure(outside: bytes) -> None:
    """Refuse deep nesting and too many values, by what is outside of all texts."""
    depth = 0
    # Those beyond would be too many anyway.
    for bracket in outside.translate(None, _NO_BRACKETS)[: 2 * MAX_VALUES]:
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise BadInput(
                f"JSON is nested deeper than {MAX_DEPTH} levels", code="SerializationException"
            )
    # What is not empty holds one value more than it has commas.
    close = outside.translate(None, b" \t\r\n")
    empty = close.count(b"[]") + close.count(b"{}")
    if 1 + _opened(close) - empty + close.count(b",") > MAX_VALUES:
        raise TooManyValues


def _field_with_nul(body: bytes) -> str | None:
    try:
        value = ANY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return _find(_HAS_NUL, value, "")


def _malformed(body: bytes, error: Exception) -> BadInput:
    """What a decoder could not read, in its words, unless these say something else."""
    code = "SerializationException"
    field = None
    if b"\\u" in body and isinstance(error, msgspec.DecodeError):
        # The decoder takes half a pair before the end of a text for the end of the body.
        with contextlib.suppress(ValueError):
            field = _find(_HAS_SURROGATE, json.loads(body, parse_int=str), "")
    if field is None:
        return BadInput(f"Malformed JSON: {error}", code=code)
    named = field.encode(errors="replace").decode()  # names may hold halves, too
    return BadInput("Malformed JSON: a text holds half of a surrogate pair", field=named, code=code)


def _find(holds: "_Holds", value: object, path: str) -> str | None:
    """The path of a member whose text holds something; None if there is none."""
    match value:
        case str() if holds(value):
            return path or None
        case dict():
            pairs = ((f"{path}.{key}".lstrip("."), member) for key, member in value.items())
        case list():
            pairs = ((path, member) for member in value)
        case _:
            return None
    return next((found for name, member in pairs if (found := _find(holds, member, name))), None)


_Holds = Callable[[str], object]
_HAS_NUL: _Holds = re.compile("\0").search
_HAS_SURROGATE: _Holds = re.compile("[\ud800-\udfff]").search
