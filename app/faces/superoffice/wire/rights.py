"""The rights that the API shows with every chat session and its fields."""

from collections.abc import Sequence

from msgspec import inspect
from msgspec.structs import FieldInfo, fields

from domain.chat.fields import ChatSessionFields
from domain.chat.session import CHANGEABLE
from domain.date_time import DateTime

Right = dict[str, str]
Property = dict[str, Right | str | int]


def table_right(*, may_change: bool, is_stored: bool = True) -> Right:
    """The member TableRight: callers who may do more than read may do anything with a session.

    The exception is a session that is not stored yet: it cannot be deleted.
    """
    mask = "FULL" if is_stored else "URI"
    return {"Mask": mask if may_change else "Select", "Reason": ""}


def field_properties(
    documented: Sequence[str], *, may_change: bool, sees_key: bool
) -> dict[str, Property]:
    """The member FieldProperties: the caller's right to each field, by its documented name.

    `sees_key`: a caller who does not see the session's key may not set it either.
    """
    info = inspect.type_info(ChatSessionFields)
    assert isinstance(info, inspect.StructType)  # type_info returns it for a Struct
    properties: dict[str, Property] = {}
    for name, field, known in zip(documented, fields(ChatSessionFields), info.fields, strict=True):
        net_type, length = _net_type(field, known.type)
        right = _field_right(field.name, may_change=may_change, sees_key=sees_key)
        properties[name] = {"FieldRight": right, "FieldType": net_type, "FieldLength": length}
    return properties


def _field_right(field: str, *, may_change: bool, sees_key: bool) -> Right:
    if field == "session_key" and not sees_key:
        return {"Mask": "None", "Reason": ""}
    # FULL is no documented value of a field's right: Update is the widest.
    is_changeable = may_change and field in CHANGEABLE
    return {"Mask": "Update" if is_changeable else "Read", "Reason": ""}


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
