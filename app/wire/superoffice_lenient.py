"""Entities as loosely as SuperOffice's clients write them, put into documented form."""

from collections.abc import Mapping
from enum import Enum
from functools import cache, reduce
from math import isinf
from operator import or_
from typing import NamedTuple

from msgspec import Struct, inspect

from app.wire.json_text import BadInput
from domain.chat_enums import ChatSessionFlags, Numbered


class _Member(NamedTuple):
    name: str
    kind: inspect.Type
    nullable: bool


def documented(
    given: Mapping[str, object], struct: type[Struct], path: str = ""
) -> dict[str, object]:
    """`given` under documented names, choices by name; unknown members are left out.

    So is a null where the API has no null: that is the default. Raises BadInput for a member
    given twice in different case and for an unknown choice; other values are left to check.
    """
    members = _members(struct)
    seen: set[str] = set()
    found: dict[str, object] = {}
    for key, value in given.items():
        member = members.get(key.lower())
        if member is None:
            continue
        where = path + member.name
        if member.name in seen:
            raise _bad("The member is given twice, in different case", where)
        seen.add(member.name)
        if value is not None or member.nullable:
            found[member.name] = _documented(value, member.kind, where)
    return found


@cache
def _members(struct: type[Struct]) -> dict[str, _Member]:
    """By name in lower case; what is skipped unread is no member here."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)  # noqa: S101  # what type_info gives for a Struct
    return {
        field.encode_name.lower(): _Member(field.encode_name, *_kind(field.type))
        for field in info.fields
        if not isinstance(field.type, inspect.RawType)
    }


def _kind(declared: inspect.Type) -> tuple[inspect.Type, bool]:
    if not isinstance(declared, inspect.UnionType):
        return declared, False
    (kind,) = (kind for kind in declared.types if not isinstance(kind, inspect.NoneType))
    return kind, True


def _documented(value: object, kind: inspect.Type, where: str) -> object:
    match kind, value:
        case inspect.StructType(cls=struct), dict():
            return documented(value, struct, f"{where}.")
        case inspect.VarTupleType(item_type=item), list():
            return [_documented(each, item, where) for each in value]
        case inspect.EnumType(cls=choices), _ if value is not None:
            return _choice(value, choices, where)
        case _, float() if isinf(value):
            raise _bad("Number out of range", where)
        case _:
            return value


def _choice(value: object, choices: type[Enum], where: str) -> Numbered:
    by_name, by_number = _choices(choices)
    found: Numbered | None = None
    match value:
        case bool():
            pass
        case int():
            found = by_number.get(value)
        case str() if choices is ChatSessionFlags:
            flags = [by_name.get(name.strip().lower()) for name in value.split(",")]
            numbers = [flag.number for flag in flags if flag is not None]
            found = by_number[reduce(or_, numbers)] if len(numbers) == len(flags) else None
        case str():
            found = by_name.get(value.strip().lower())
    if found is None:
        names = ", ".join(choice for choice in by_number.values())
        raise _bad(f"Expected one of {names}, or its number", where)
    return found


@cache
def _choices(choices: type[Enum]) -> tuple[dict[str, Numbered], dict[int, Numbered]]:
    members = [choice for choice in choices if isinstance(choice, Numbered)]
    return {choice.lower(): choice for choice in members}, {
        choice.number: choice for choice in members
    }


def _bad(message: str, where: str) -> BadInput:
    return BadInput(message, field=where, code="ValidationException")
