"""The operations and their DTOs as language-neutral data, for pages and generators.

The data come from the classes themselves, so that no description can differ from the behaviour.
Dates are strings here, as in the documented DTOs.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Meta, Struct, UnsetType
from msgspec.structs import fields

from app.codecs.dto import Dto
from app.codecs.member_names import pascal_case
from app.faces.evo.wire.api import API, EvoDescription
from app.faces.evo.wire.dto import TYPES_NAMESPACE

FRAMEWORK = "ServiceStack"
"""Namespace of the framework's own types, which its client libraries may already have."""
LIST = "List"

_SCALARS = {str: "string", int: "int", bool: "bool", datetime: "string"}
_MARKERS = {"GET": "IGet", "POST": "IPost", "PUT": "IPut", "PATCH": "IPatch", "DELETE": "IDelete"}


class TypeName(Struct, frozen=True):
    """A type in the spelling of the metadata pages: `string`, `int`, a `List`, or a class."""

    name: str
    arguments: tuple["TypeName", ...] = ()

    def __str__(self) -> str:
        """The full name, such as `List<string>`."""
        inner = ", ".join(map(str, self.arguments))
        return f"{self.name}<{inner}>" if inner else self.name


class MemberDescription(Struct, frozen=True):
    """One member of a class."""

    attribute: str
    """The name in snake_case."""
    name: str
    """The name in camelCase."""
    type: TypeName
    text: str
    required: bool
    limit: str
    """The largest size in words; empty if the member has no limit of its own."""

    @property
    def pascal(self) -> str:
        """The name in PascalCase."""
        return pascal_case(self.name)


class ClassDescription(Struct, frozen=True):
    """A DTO, or an enumeration, which has values instead of members."""

    name: str
    namespace: str
    """The documented C# namespace."""
    base: str | None = None
    parameters: tuple[str, ...] = ()
    """Names of type parameters."""
    own: tuple[MemberDescription, ...] = ()
    inherited: tuple[MemberDescription, ...] = ()
    values: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """Names of the classes that the declaration of this one requires."""
    operation: "OperationDescription | None" = None
    """The operation of a request; None for other classes."""

    @property
    def members(self) -> tuple[MemberDescription, ...]:
        """All members, in the order of their output."""
        return (*self.own, *self.inherited)


class OperationDescription(Struct, frozen=True):
    """An operation, described by the class of its request."""

    name: str
    summary: str
    verb: str
    paths: tuple[str, ...]
    response: TypeName | None
    marker: str
    """The interface that names the verb, such as `IPost`."""
    roles: tuple[str, ...]
    anonymous: bool


@cache
def classes() -> dict[str, ClassDescription]:
    """Every class of the API by name: each one after the classes it needs, requests last."""
    described: dict[str, ClassDescription] = {}
    for api in API:
        for kind in _classes_in(api.response):
            _add(kind, described)
    for api in API:
        _add(api.request, described, api)
    return described


def closure(names: Iterable[str]) -> dict[str, ClassDescription]:
    """The classes with these names and all classes they need, in the order of `classes`."""
    wanted = set[str]()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting.extend(classes()[name].needs)
    return {name: found for name, found in classes().items() if name in wanted}


def operation(name: str) -> OperationDescription | None:
    """The operation with this name, in any case; None if unknown."""
    lower = name.lower()
    return next((_operation(api) for api in API if api.name.lower() == lower), None)


def _add(
    kind: type[Any], described: dict[str, ClassDescription], api: EvoDescription | None = None
) -> None:
    if kind.__name__ in described:
        return
    needed = list(dict.fromkeys(_needed(kind)))
    for other in needed:
        _add(other, described)
    names = [other.__name__ for other in needed]
    if api is not None:
        names += [other.__name__ for other in _classes_in(api.response)]
    described[kind.__name__] = _class(kind, tuple(names), None if api is None else _operation(api))


def _class(
    kind: type[Any], needs: tuple[str, ...], found: OperationDescription | None
) -> ClassDescription:
    if issubclass(kind, Enum):
        values = tuple(str(value.value) for value in kind)
        return ClassDescription(kind.__name__, "Voice.Api", values=values)
    base = kind.base
    above = () if base is None else _members(base)
    inherited = {member.name for member in above}
    return ClassDescription(
        kind.__name__,
        _namespace(kind),
        None if base is None else base.__name__,
        tuple(parameter.__name__ for parameter in getattr(kind, "__parameters__", ())),
        tuple(member for member in _members(kind) if member.name not in inherited),
        above,
        needs=needs,
        operation=found,
    )


def _operation(api: EvoDescription) -> OperationDescription:
    return OperationDescription(
        api.name,
        api.summary,
        api.verb,
        api.paths,
        None if api.response is None else _type_name(api.response),
        _MARKERS[api.verb],
        api.roles,
        api.anonymous,
    )


def _namespace(kind: type[Dto]) -> str:
    if kind.namespace == TYPES_NAMESPACE:
        return FRAMEWORK
    return kind.namespace.rpartition("/")[2]


def _members(kind: type[Dto]) -> tuple[MemberDescription, ...]:
    return tuple(
        MemberDescription(
            field.name,
            field.encode_name,
            _type_name(field.type),
            *_said_of(field.type),
            _limit(field.type),
        )
        for field in fields(kind)
    )


def _said_of(hint: object) -> tuple[str, bool]:
    """The description in a member's Meta, and whether a request must have the member."""
    metas = [meta for meta in get_args(hint) if isinstance(meta, Meta)]
    text = next((meta.description for meta in metas if meta.description), "")
    return text, any((meta.extra or {}).get("required", False) for meta in metas)


def _limit(hint: object) -> str:
    """The largest size that the Meta of a type, or of one in it, allows."""
    unit = "items" if get_origin(get_args(hint)[0] if get_args(hint) else hint) is list else ""
    for part in get_args(hint):
        if isinstance(part, Meta) and part.max_length is not None:
            return f"At most {part.max_length:,} {unit or 'characters'}"
        if found := _limit(part):
            return found
    return ""


def _needed(kind: type[Any]) -> Iterator[type[Any]]:
    if issubclass(kind, Enum):
        return
    if kind.base is not None:
        yield kind.base
    for field in fields(kind):
        yield from _classes_in(field.type)


def _classes_in(hint: object) -> Iterator[type[Any]]:
    if isinstance(hint, type) and issubclass(hint, (Dto, Enum)):
        yield hint
    origin = get_origin(hint)
    if isinstance(origin, type) and issubclass(origin, Dto):
        yield origin
    if origin is not None:
        for argument in get_args(hint):
            yield from _classes_in(argument)


def _type_name(hint: object) -> TypeName:
    origin = get_origin(hint)
    arguments = get_args(hint)
    if origin is Annotated:
        return _type_name(arguments[0])
    if origin in (Union, UnionType):
        (only,) = (one for one in arguments if one not in (NoneType, UnsetType))
        return _type_name(only)
    if isinstance(origin, type):
        name = LIST if origin is list else origin.__name__
        return TypeName(name, tuple(map(_type_name, arguments)))
    if isinstance(hint, type):
        return TypeName(_SCALARS.get(hint) or hint.__name__)
    return TypeName(str(getattr(hint, "__name__", hint)))
