"""The base of every DTO of every API: how its members are named and laid out."""

from typing import Any, ClassVar, TypeAlias

from msgspec import Struct

TypeForm: TypeAlias = Any
"""A class, with or without a type parameter: mypy has no type for both."""
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
