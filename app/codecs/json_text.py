"""Reads untrusted JSON: every error becomes a `BadInput` that names the field."""

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
"""Decodes any type; a number that is too large becomes inf.

Python reads numbers such as 1e300 thirty times as fast as the decoder itself.
"""
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_MEMBER = re.compile(r"[^.\[\]]+")
_TOLD = 1_000
"""Maximum characters of a message, and of a member's name."""
_SHOWN, _NAMED = 60, 5
"""How many characters of an unknown member's name a message shows, and how many such members."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class BadInput(Exception):
    """Input that cannot be read; `field` is the wire name of the member at fault, if any.

    `code` is a short stable word for programs; the message is for humans.
    """

    def __init__(self, message: str, *, field: str | None = None, code: str = "BadRequest") -> None:
        """See the class. Long texts from the client are cut to a readable length."""
        self.field = field and field[:_TOLD]
        self.code = code
        super().__init__(message[:_TOLD])


class TooManyValues(BadInput):
    """A body whose processing would block all other requests for too long."""

    def __init__(self, most: int = MAX_VALUES, what: str = "The body holds") -> None:
        """`what` begins the message; `most` is the limit that it names."""
        super().__init__(f"{what} more than {most} values", code="TooManyValues")


class Budget:
    """The remainder of a limit on values, for code that counts as it works."""

    __slots__ = ("_left", "_most", "_what")

    def __init__(self, most: int = MAX_VALUES, what: str = "The body holds") -> None:
        """Nothing is spent yet; `what` begins the message of an overdraft."""
        self._left = self._most = most
        self._what = what

    def spend(self, values: int = 1) -> None:
        """Count more values. Raises TooManyValues."""
        self._left -= values
        if self._left < 0:
            raise TooManyValues(self._most, self._what)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The value in `body`. Raises BadInput for anything wrong with it."""
    value = _decoded(decoder, body)
    # With no more colons than decoded members, none of them can occur twice.
    if body.count(b":") > _given(value):
        _refuse_twins(body)
    return value


def decode_some(decoder: msgspec.json.Decoder[T], body: bytes) -> T | None:
    """As `decode`, but None if some member of `body` may be unknown or occur twice."""
    value = _decoded(decoder, body)
    return value if body.count(b":") <= _given(value) else None


def read(body: bytes) -> Tree:
    """The value in `body`, without any expected type. Raises BadInput as `decode` does."""
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
        if len(set(names)) == len(names):  # on any level
            return
    json.loads(body, object_pairs_hook=_members, parse_int=str)


def screen(body: bytes) -> None:
    """Refuse input that a decoder would accept or choke on.

    That is invalid UTF-8, more than `MAX_VALUES` values, deep nesting, and NUL.
    """
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise BadInput(
                f"Malformed JSON, no UTF-8: {error}", code="SerializationException"
            ) from error
    # These counts run at C speed and include signs within texts. They spare nearly every body the
    # exact count.
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
    """The refusal of a value of the wrong type or size: msgspec's words, and the member's name."""
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
    """The refusal of a body, or an object in it, without any known member.

    `kind` is the expected type, `given` has the names of its members, at least one, and `path` is
    the prefix of these names.
    """
    names = [name[:_SHOWN] for name in islice(given, _NAMED)]
    told = ", ".join(map(repr, names)) + (", …" if len(given) > _NAMED else "")
    own = ", ".join(known) or "none"
    message = f"None of the members is known: {told}; those of {kind} are: {own}"
    return BadInput(message, field=path + names[0], code="UnknownMember")


def _given(value: object) -> int:
    """How many members were certainly given: those that differ from their defaults."""
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
    """A body with `"` in place of each text or name; an unclosed one swallows the rest."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # A value is at most one text, and its name is another one.
    if bare.count(b'"') > 4 * MAX_VALUES:
        raise TooManyValues
    return b'"'.join(bare.split(b'"')[::2])


def _screen_structure(outside: bytes) -> None:
    """Refuse deep nesting and too many values, judging by the signs outside of all texts."""
    depth = 0
    # Any further brackets would exceed the limit anyway.
    for bracket in outside.translate(None, _NO_BRACKETS)[: 2 * MAX_VALUES]:
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise BadInput(
                f"JSON is nested deeper than {MAX_DEPTH} levels", code="SerializationException"
            )
    # An object or list that is not empty has one value more than commas.
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
    """The refusal of unreadable input in the decoder's words, unless these are misleading."""
    code = "SerializationException"
    field = None
    if b"\\u" in body and isinstance(error, msgspec.DecodeError):
        # The decoder mistakes half a surrogate pair at the end of a text for the end of the body.
        with contextlib.suppress(ValueError):
            field = _find(_HAS_SURROGATE, json.loads(body, parse_int=str), "")
    if field is None:
        return BadInput(f"Malformed JSON: {error}", code=code)
    named = field.encode(errors="replace").decode()  # names may hold halves, too
    return BadInput("Malformed JSON: a text holds half of a surrogate pair", field=named, code=code)


def _find(holds: "_Holds", value: object, path: str) -> str | None:
    """The path of the first member whose text matches `holds`; None without such a member."""
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
