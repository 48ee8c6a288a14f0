"""What every DTO has, whatever its API: how its members are named and laid out."""

from typing import Any, ClassVar, TypeAlias

from msgspec import Struct

TypeForm: TypeAlias = Any
"""A class, or one with its parameter: mypy knows no type of them."""
API_NAMESPACE = "http://schemas.datacontract.org/2004/07/Voice.Api"


class Dto(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What crosses the wire. A member that is None is null; one that is UNSET is not there.

    JSON and JSV leave out what is null and nothing else: so only None and UNSET may be defaults.
    """

    namespace: ClassVar[str] = API_NAMESPACE
    """Of its elements in XML."""
    base: ClassVar["type[Dto] | None"] = None
    """The documented base class: its members stand last here, and first in XML."""
    xml_sorted: ClassVar[bool] = True
    """Whether XML has the members by name; else in the order in which they stand here."""
    listed: ClassVar[str | None] = None
    """The member whose items are the rows in CSV; None: it is a row itself."""
