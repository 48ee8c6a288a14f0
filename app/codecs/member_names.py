"""The names of a DTO's members in each format, worked out once per class."""

from functools import cache
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import fields

from app.codecs.dto import Dto


class Member(NamedTuple):
    """One member of a DTO."""

    attribute: str
    """The name in Python."""
    camel: str
    """The name in JSON and JSV."""
    pascal: str
    """The name in XML, in CSV and in errors."""
    may_be_absent: bool = False
    """Whether its default is UNSET."""


def pascal_case(name: str) -> str:
    """The PascalCase form of a member's camelCase name."""
    return name[:1].upper() + name[1:]


@cache
def members(kind: type[Dto]) -> tuple[Member, ...]:
    """The members of `kind`, in the order of their declaration."""
    return tuple(
        Member(
            attribute=field.name,
            camel=field.encode_name,
            pascal=pascal_case(field.encode_name),
            may_be_absent=field.default is UNSET,
        )
        for field in fields(kind)
    )
