"""What the API says of every chat session alike: who may do what with it and with its fields."""

from collections.abc import Sequence

from msgspec import inspect
from msgspec.structs import FieldInfo, fields

from domain.chat_session import ChatSessionFields
from domain.date_time import DateTime

TABLE_RIGHT = {"Mask": "FULL", "Reason": ""}
"""The member TableRight: whoever may read a session may do all with it."""
NEW_RIGHT = {"Mask": "URI", "Reason": ""}
"""The same of an entity that is not stored yet: there is nothing to delete."""
Property = dict[str, dict[str, str] | str | int]


def field_properties(documented: Sequence[str]) -> dict[str, Property]:
    """The member FieldProperties: for each field, by its documented name, who may do what."""
    info = inspect.type_info(ChatSessionFields)
    assert isinstance(info, inspect.StructType)  # noqa: S101  # what type_info gives for a Struct
    # A field's right has no FULL among its documented values: Update is the widest.
    right = {"Mask": "Update", "Reason": ""}
    properties: dict[str, Property] = {}
    for name, field, known in zip(documented, fields(ChatSessionFields), info.fields, strict=True):
        net_type, length = _net_type(field, known.type)
        properties[name] = {"FieldRight": right, "FieldType": net_type, "FieldLength": length}
    return properties


def _net_type(field: FieldInfo, kind: inspect.Type) -> tuple[str, int]:
    """The .NET type of a field and its length in the vendor's database."""
    match kind:
        case inspect.UnionType(types=(one, inspect.NoneType())):
            return _net_type(field, one)
        case inspect.BoolType():
            return "System.Boolean", 2
        case inspect.IntType():
            return "System.Int32", 4
        case inspect.StrType() if field.type is DateTime:
            return "System.DateTime", 16
        case inspect.StrType(max_length=int(length)):
            return "System.String", length
        case inspect.EnumType(cls=choices):
            return f"SuperOffice.Data.{choices.__name__}", 2
        case inspect.StructType(cls=carrier):
            return f"SuperOffice.CRM.Services.{carrier.__name__}", 4
        case _:
            raise TypeError(f"{field.name} has a type that the API does not know")
