"""The names of a DTO's members in each format, worked out once per class."""

from functools import cache
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import fields

from app.codecs.dto import Dto


class Member(NamedTuple):
    """One member of a DTO."""

    attribute: str
    """In Python."""
    camel: str
    """In JSON and JSV."""
    pascal: str
    """In XML, CSV and the field names of errors."""
    may_be_absent: bool = False
    """Whether it is UNSET where nothing is given for it."""


def pascal_case(name: str) -> str:
    """A member's name in PascalCase, from camelCase."""
    return name[:1].upper() + name[1:]


@cache
def members(kind: type[Dto]) -> tuple[Member, ...]:
    """The members of `kind` in the order in which they are declared."""
    return tuple(
        Member(
            attribute=field.name,
            camel=field.encode_name,
            pascal=pascal_case(field.encode_name),
            may_be_absent=field.default is UNSET,
        )
        for field in fields(kind)
    )
