"""The XML layout of a DTO in .NET's data contracts: names, order, namespaces. No text here."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import md5
from types import NoneType
from typing import Annotated, ClassVar, NamedTuple, cast, get_args, get_origin

from msgspec import UnsetType
from msgspec.structs import fields

from app.codecs.dto import Dto
from app.codecs.member_names import Member, members

INSTANCE_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
ARRAYS_NAMESPACE = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"

_SCALARS: Mapping[object, str] = {str: "string", int: "int", bool: "boolean"}


class KeyValueOfstringstring(Dto, kw_only=True):
    """One member of a map; the class has the name of its data contract."""

    namespace: ClassVar[str] = ARRAYS_NAMESPACE
    xml_sorted: ClassVar[bool] = False

    key: str
    value: str


class Shape(NamedTuple):
    """The content of an element."""

    kind: type[Dto] | None
    """The class of the DTO or of each item; None: text."""
    name: str = ""
    """The name of an item's element."""
    many: bool = False
    mapped: bool = False
    """The items are the members of a map."""

    @property
    def namespace(self) -> str | None:
        """The namespace of the inner elements; None without elements."""
        if self.kind is not None:
            return self.kind.namespace
        return ARRAYS_NAMESPACE if self.many else None


class Scope(NamedTuple):
    """The namespaces that are declared around an element."""

    default: str = ""
    prefixes: tuple[tuple[str, str], ...] = ()
    """Each namespace with its prefix."""
    depth: int = 0

    def enter(self, name: str, namespace: str, within: str | None) -> tuple[str, str, "Scope"]:
        """The tag and the declarations of an element, and the scope of its children.

        A member of another namespace makes that one the default; items of another one get a
        prefix. `within` is the namespace of the children, None without children.
        """
        prefixes, default, depth = dict(self.prefixes), self.default, self.depth + 1
        tag, declared = name, ""
        if namespace in prefixes:
            tag = f"{prefixes[namespace]}:{name}"
        elif namespace != default:
            declared, default = f' xmlns="{namespace}"', namespace
        if within is not None and within != default and within not in prefixes:
            prefixes[within] = f"d{depth}p1"
            declared = f' xmlns:{prefixes[within]}="{within}"{declared}'
        if not self.depth:
            declared = f' xmlns:i="{INSTANCE_NAMESPACE}"{declared}'
        return tag, declared, Scope(default, tuple(prefixes.items()), depth)


def contract_name(kind: object) -> str:
    """`AISessionInfo`, `string`, or `ListResponseOfAISessionInfokPYUDTdt` for a generic type.

    The last eight characters of the latter are a digest of the number of namespaces and the
    parameter's namespace. Raises KeyError for a type without a name.
    """
    dto, parameters = _dto(kind), get_args(kind)
    if dto is None:
        return _SCALARS[kind]
    if not parameters:
        return dto.__name__
    (item,) = parameters
    digest = md5(f" 1 {item.namespace}".encode(), usedforsecurity=False).digest()
    coded = b64encode(digest[:6]).decode().replace("/", "_S").replace("+", "_P")
    return f"{(get_origin(kind) or dto).__name__}Of{contract_name(item)}{coded}"


def contract_members(kind: type[Dto]) -> Iterator[tuple[Member, str, Shape]]:
    """The members in the order of XML, those of the base class first, each with its namespace."""
    inherited = {member.attribute for member in members(kind.base)} if kind.base else set()
    own = [member for member in members(kind) if member.attribute not in inherited]
    if kind.xml_sorted:
        own.sort(key=lambda member: member.pascal)
    shapes = {field.name: _shape(field.type) for field in fields(kind)}
    if kind.base:
        yield from contract_members(kind.base)
    yield from ((member, kind.namespace, shapes[member.attribute]) for member in own)


def _shape(annotation: object) -> Shape:
    """The shape of an annotation, regardless of limits, null and absence."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return Shape(_dto(arguments[0]), contract_name(arguments[0]), many=True)
    if origin is dict:
        pair = KeyValueOfstringstring
        return Shape(pair, contract_name(pair), many=True, mapped=True)
    if origin is Annotated:
        return _shape(arguments[0])
    if arguments and _dto(annotation) is None:
        return _shape(next(kind for kind in arguments if kind not in {NoneType, UnsetType}))
    return Shape(_dto(annotation))


def _dto(kind: object) -> type[Dto] | None:
    plain = get_origin(kind) or kind
    if not isinstance(plain, type) or not issubclass(plain, Dto):
        return None
    # A class keeps its parameter, for it determines the types of its members.
    return cast("type[Dto]", kind)
