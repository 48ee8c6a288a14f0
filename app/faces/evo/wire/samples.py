"""Sample messages of each operation for the documents, written by the production codecs.

Every text or date is `String`, every number 0, every boolean false; lists have one item.
"""

from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

from msgspec import UNSET, UnsetType
from msgspec.structs import fields

from app.codecs import jsv, xml_text
from app.codecs.dto import Dto, TypeForm
from app.codecs.formats import FORMATS, JSV, XML
from app.codecs.value import Json
from app.faces.evo.wire import messages
from app.faces.evo.wire.api import API

_SCALARS = {bool: False, int: 0}


@cache
def request_sample(operation: str, format_name: str) -> str:
    """The body of a request, for people."""
    return _written(format_name, _request(operation))


@cache
def answer_sample(operation: str, format_name: str) -> str | None:
    """The body of an answer, for people; None for an operation whose answer has no body."""
    kind = next(api.response for api in API if api.name == operation)
    return None if kind is None else _written(format_name, kind)


def sample(kind: TypeForm) -> Json:
    """A sample value of a DTO's type, without the lists that may be absent.

    The documents' samples have no such lists either.
    """
    origin: Json = get_origin(kind)
    arguments = get_args(kind)
    if origin is Annotated:
        return sample(arguments[0])
    if origin in (Union, UnionType):
        (only,) = (one for one in arguments if one not in (NoneType, UnsetType))
        return UNSET if UnsetType in arguments and get_origin(only) is list else sample(only)
    if origin is list:
        return [sample(arguments[0])]
    own = origin or kind
    if issubclass(own, Dto):
        return own(**{field.name: sample(field.type) for field in fields(kind)})
    if issubclass(own, Enum):
        return next(iter(own))
    return _SCALARS.get(own, "String")


def _request(operation: str) -> type[Dto]:
    return next(api.request for api in API if api.name == operation)


def _written(format_name: str, kind: TypeForm) -> str:
    value = sample(kind)
    match format_name:
        case XML.name:
            return xml_text.write_pretty(value, kind=kind)
        case JSV.name:
            return jsv.write_pretty(value)
        case _:
            return messages.write(FORMATS[format_name], value, kind).decode()
