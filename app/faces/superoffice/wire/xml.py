"""Answers of the SuperOffice-style API in XML: no declaration, no namespace, as in its samples.

A root has its carrier's name (`ChatSessionEntity` with or without links); a list has the name
`ArrayOf…`, as a root and below. An empty text is an empty element. Null is no element: `i:nil`
needs a namespace, and a reader gives an absent member its default. Maps are pairs of `Key` and
`Value`, as in .NET's data contracts, since a key need not be a name of XML.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from app.codecs.data_contract import INSTANCE_NAMESPACE
from app.codecs.xml_text import text_of


class Markup(str):
    """The content of an element, already encoded."""

    __slots__ = ()


def element(name: str, value: object) -> str:
    """The element of a carrier, a list, a map or a single value; "" for null."""
    if value is None or value is msgspec.UNSET:
        return ""
    return f"<{name}>{content(value)}</{name}>"


def nil(name: str) -> str:
    """A document for null: only here, `i:nil` is needed, or it would mean a new entity."""
    return f'<{name} xmlns:i="{INSTANCE_NAMESPACE}" i:nil="true"/>'


def content(value: object) -> str:
    """The content between the tags of a value's element."""
    match value:
        case Markup():
            return value
        case Struct():
            names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
            return "".join([element(wire, getattr(value, name)) for name, wire in names])
        case Mapping():
            return pairs(value, "string")
        case list() | tuple():
            return items(value)
        case _:
            return text_of(value)


def items(values: list[Any] | tuple[Any, ...]) -> str:
    """The elements of a list, each with the name of its type."""
    # All have one name: a reader keeps the order only among elements of the same name.
    name = next((found for value in values if (found := _type_name(value))), "ArrayOfanyType")
    return "".join([element(name, value) for value in values])


def pairs(values: Mapping[str, Any], kind: str) -> Markup:
    """The elements of a map from texts to values of type `kind`."""
    name = f"KeyValueOfstring{kind}"
    return Markup(
        "".join(
            f"<{name}>{element('Key', key)}{element('Value', value)}</{name}>"
            for key, value in values.items()
        )
    )


def record(values: Mapping[str, Any]) -> Markup:
    """The content of a carrier whose members are in a mapping, with nested mappings as carriers."""
    return Markup(
        "".join(
            element(name, record(value) if isinstance(value, Mapping) else value)
            for name, value in values.items()
        )
    )


def _type_name(value: object) -> str:
    if isinstance(value, list | tuple):
        below = next((found for each in value if (found := _type_name(each))), "")
        return f"ArrayOf{below}" if below else ""
    return type(value).__name__
