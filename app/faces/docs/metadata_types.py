"""`/types/metadata`: ServiceStack's MetadataTypes, from which external generators make DTOs."""

from functools import lru_cache
from typing import Any

import msgspec

from app.faces.evo.wire.description import (
    LIST,
    ClassDescription,
    MemberDescription,
    OperationDescription,
    TypeName,
    classes,
)
from app.pages.templates import product_version

_SYSTEM = {"string": "String", "int": "Int32", "bool": "Boolean", LIST: "List`1"}
_COLLECTIONS = "System.Collections.Generic"
_VALUES = ("int", "bool")


@lru_cache(64)
def metadata_types(base_url: str) -> bytes:
    """Every operation and every type, as JSON. Members without a value are left out."""
    known = classes().values()
    return msgspec.json.encode(
        {
            "config": {"baseUrl": base_url, "version": product_version()},
            "namespaces": sorted({kind.namespace for kind in known}),
            "types": [_type(kind) for kind in known if kind.operation is None],
            "operations": [
                _operation(kind, kind.operation) for kind in known if kind.operation is not None
            ],
        }
    )


def _operation(kind: ClassDescription, operation: OperationDescription) -> dict[str, Any]:
    response = operation.response
    return _said(
        request=_type(kind),
        response=response and _type(classes()[response.name]),
        actions=[operation.verb],
        method=operation.verb,
        returnsVoid=response is None,
        returnType=response and _reference(response),
        routes=[{"path": path, "verbs": operation.verb} for path in operation.paths],
        requiresAuth=not operation.anonymous,
        requiresAnyRole=list(operation.roles),
    )


def _type(kind: ClassDescription) -> dict[str, Any]:
    if kind.values:
        return {
            "name": kind.name,
            "namespace": kind.namespace,
            "isEnum": True,
            "enumNames": kind.values,
            "enumValues": [str(number) for number in range(len(kind.values))],
        }
    return _said(
        name=_arity(kind.name, len(kind.parameters)),
        namespace=kind.namespace,
        genericArgs=list(kind.parameters),
        inherits=kind.base and _reference(TypeName(kind.base)),
        description=kind.operation and kind.operation.summary,
        properties=[_property(member) for member in kind.own],
    )


def _property(member: MemberDescription) -> dict[str, Any]:
    known = classes().get(member.type.name)
    return _said(
        name=member.pascal,
        type=_reference(member.type)["name"],
        namespace=_reference(member.type)["namespace"],
        genericArgs=[_SYSTEM.get(one.name, one.name) for one in member.type.arguments],
        isValueType=True if member.type.name in _VALUES or (known and known.values) else None,
        isRequired=member.required or None,
        description=member.text,
    )


def _reference(name: TypeName) -> dict[str, Any]:
    known = classes().get(name.name)
    arity = 0 if name.name == LIST else len(name.arguments)
    own = "System" if name.name in _SYSTEM else ""
    return _said(
        name=_arity(_SYSTEM.get(name.name, name.name), arity),
        namespace=_COLLECTIONS if name.name == LIST else known.namespace if known else own,
        genericArgs=[_SYSTEM.get(one.name, one.name) for one in name.arguments],
    )


def _arity(name: str, parameters: int) -> str:
    """A generic class's name in .NET."""
    return f"{name}`{parameters}" if parameters else name


def _said(**members: object) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value not in (None, [], "")}
