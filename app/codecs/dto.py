"""The base of every DTO of every API: how its members are named and laid out."""

from functools import cache
from typing import Annotated, Any, ClassVar, TypeAlias, get_args

from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

TypeForm: TypeAlias = Any
"""A class, with or without a type parameter: mypy has no type for both."""
MASKED = {"format": "password"}
"""What JSON Schema says of a text that is to be masked where somebody types it."""
_MASKED = Meta(extra_json_schema=MASKED)
Secret = Annotated[str, _MASKED]
"""A text that lets somebody in: never in an address, never shown for logs, masked where typed."""
API_NAMESPACE = "http://schemas.datacontract.org/2004/07/Voice.Api"


class Dto(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """An object on the wire. A member that is None is null; one that is UNSET is absent.

    JSON and JSV leave out nulls and nothing else: so only None and UNSET may be defaults.
    """

    namespace: ClassVar[str] = API_NAMESPACE
    """The namespace of its elements in XML."""
    base: ClassVar["type[Dto] | None"] = None
    """The documented base class: its members come last in the class, and first in XML."""
    xml_sorted: ClassVar[bool] = True
    """Whether XML sorts the members by name; otherwise it has the order of the class."""
    listed: ClassVar[str | None] = None
    """The member whose items are the rows in CSV; None: the DTO itself is a row."""

    def __repr__(self) -> str:
        """Without secrets, for logs."""
        secret = {field.name for field in secrets(type(self))}
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name not in secret
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


@cache
def secrets(kind: type[Dto]) -> tuple[FieldInfo, ...]:
    """The members of a DTO that are a Secret, or may be one."""
    return tuple(field for field in fields(kind) if _may_be_secret(field.type))


def _may_be_secret(hint: object) -> bool:
    return any(part is _MASKED or _may_be_secret(part) for part in get_args(hint))
