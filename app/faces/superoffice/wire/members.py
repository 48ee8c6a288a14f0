"""The members of carriers by documented name, with their types."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, get_args

import msgspec
from msgspec import Raw, Struct, inspect
from msgspec.structs import FieldInfo

from domain.chat.carriers import Carrier
from domain.date_time import DateTime


class Member(NamedTuple):
    """One member of a carrier."""

    attribute: str
    name: str
    """The documented name."""
    kind: inspect.Type
    nullable: bool
    is_date: bool
    is_translated: bool
    """Whether its text may have several languages, of which one is shown."""


def pascal(
    kind: type[Struct], name: str, more: Sequence[tuple[str, type, object]] = ()
) -> type[Struct]:
    """A Struct with the fields of `kind` under their documented names, followed by `more`."""
    own = ((field.name, field.type, field.default) for field in msgspec.structs.fields(kind))
    return msgspec.defstruct(
        name,
        [*own, *more],
        rename="pascal",
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


@cache
def members(struct: type[Struct]) -> dict[str, Member]:
    """The members by lower-case name, without those that are skipped unread (Raw)."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)  # type_info returns it for a Struct
    fields = zip(msgspec.structs.fields(struct), info.fields, strict=True)
    return {
        known.encode_name.lower(): _member(struct, field, known)
        for field, known in fields
        if field.type is not Raw
    }


def _member(struct: type[Struct], field: FieldInfo, known: inspect.Field) -> Member:
    kind, nullable = without_null(known.type)
    is_date = DateTime in (field.type, *get_args(field.type))
    return Member(
        field.name,
        known.encode_name,
        kind,
        nullable,
        is_date=is_date,
        is_translated=(
            issubclass(struct, Carrier) and isinstance(kind, inspect.StrType) and not is_date
        ),
    )


def without_null(declared: inspect.Type) -> tuple[inspect.Type, bool]:
    """A type without null, and whether it allowed null."""
    if not isinstance(declared, inspect.UnionType):
        return declared, False
    (kind,) = (kind for kind in declared.types if not isinstance(kind, inspect.NoneType))
    return kind, True
