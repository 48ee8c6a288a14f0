"""Reads fixed choices from clients: by name in any case, or by number."""

from enum import Enum
from functools import cache, reduce
from operator import or_

from app.codecs.json_text import BadInput
from domain.chat.enums import ChatSessionFlags, Numbered


def choice(value: object, kind: type[Enum], where: str) -> Numbered:
    """The choice that `value` names. Raises BadInput for the member `where` if it is unknown.

    Flags combine, with commas between their names; a number may be a text.
    """
    found: Numbered | None = None
    match value:
        case bool():
            pass
        case int():
            found = _choices(kind).get(str(value))
        case str() if kind is ChatSessionFlags:
            flags = [_choices(kind).get(name.strip().lower()) for name in value.split(",")]
            numbers = [flag.number for flag in flags if flag is not None]
            if len(numbers) == len(flags):
                found = _choices(kind).get(str(reduce(or_, numbers)))
        case str():
            found = _choices(kind).get(value.strip().lower())
    if found is None:
        names = ", ".join(str(each.value) for each in kind)
        raise BadInput(
            f"Expected one of {names}, or its number", field=where, code="ValidationException"
        )
    return found


@cache
def _choices(kind: type[Enum]) -> dict[str, Numbered]:
    """The choices by lower-case name and by number."""
    members = [member for member in kind if isinstance(member, Numbered)]
    by_name = {member.lower(): member for member in members}
    return by_name | {str(member.number): member for member in members}
