"""Components that the faces share in the OpenAPI document: headers, refusals, security schemes."""

from collections.abc import Container

from msgspec import Struct
from msgspec.structs import fields

from app.codecs.dto import MASKED
from app.codecs.openapi import Schema
from app.codecs.value import Json

NULL: Schema = {"type": "null"}
_TEXT: Schema = {"type": "string"}
_TAG = '(W/)?("[0-9]{1,18}"|[0-9]{1,18})'

SECURITY_SCHEMES: dict[str, Schema] = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "ss-id"},
}

REQUEST_HEADERS: dict[str, Schema] = {
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": 'The version in quotes that the change is for, such as `"3"`',
        "schema": {"type": "string", "pattern": rf"^(\*|{_TAG}( *, *{_TAG})*)$"},
        "example": '"3"',
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Versions that are known, or `*` for any: one that it has is not sent again"
        " (304), and no command is carried out on it (412)",
        "schema": _TEXT,
        "example": "*",
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes a retry safe: with the same key, a command is carried out once",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
}

MOMENT: tuple[Schema, str] = (
    _TEXT,
    "The past moment whose answer is wanted: a time (`2026-11-28T21:20:00Z`), a position (`0:17`)"
    " or, of one session or account, a version (`3`)",
)
"""The schema and the meaning of the parameter `asOf`."""

ANSWER_HEADERS: dict[str, Schema] = {
    "ETag": {"description": "The version, in quotes", "schema": _TEXT, "example": '"3"'},
    "X-Log-Position": {
        "description": "Where in the log the change stands: partition and position",
        "schema": {"type": "string", "pattern": r"^\d+:\d+$"},
        "example": "0:17",
    },
    "Idempotent-Replayed": {
        "description": "There if the command was carried out before under the same key",
        "schema": {"const": "true"},
    },
    "Retry-After": {
        "description": "Seconds until another try makes sense",
        "schema": {"type": "integer", "minimum": 0},
    },
    "X-As-Of": {
        "description": "With `asOf`: the moment, as the last position of each partition",
        "schema": {"type": "string", "pattern": r"^\d+:\d+(,\d+:\d+)*$"},
        "example": "0:17",
    },
    "WWW-Authenticate": {"description": "How to authenticate", "schema": _TEXT},
    "Set-Cookie": {"description": "What a browser is signed in by; once a cookie", "schema": _TEXT},
    "Allow": {"description": "The methods that are served here", "schema": _TEXT},
}

_REFUSALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "400": ("The request cannot be read, or holds what is not allowed", ()),
    "401": ("Nobody is signed in, or the credentials are wrong", ("WWW-Authenticate",)),
    "403": ("The caller lacks a role, or another origin's page sent the request", ()),
    "404": ("There is no such thing", ()),
    "405": ("The method is not served here", ("Allow",)),
    "406": ("None of the media types that are accepted can be had", ()),
    "408": ("The body does not come", ()),
    "409": (
        "The change conflicts with another, or its Idempotency-Key is in flight",
        ("Retry-After",),
    ),
    "412": ("The version is not one that the conditions ask for", ("ETag",)),
    "413": ("The body is too long", ()),
    "414": ("The URL is too long", ()),
    "415": ("The body's type or charset is not known", ()),
    "422": ("The Idempotency-Key was used for another command", ()),
    "429": ("Too many requests", ("Retry-After",)),
    "431": ("The headers are too long or too many", ()),
    "503": ("The service cannot answer now", ("Retry-After",)),
}
OF_BODIES = ["408", "413", "415"]
"""Refusals of a body; every verb but GET may have one, described or not."""
_PERHAPS_EMPTY = ("414", "431")
"""Refusals without a body if they come from the server's own limits, before any face's."""


def refusals(face: str, content: dict[str, Schema]) -> dict[str, Schema]:
    """A face's refusals, by `refusal_name`; `content` is their body by media type."""
    return {
        refusal_name(face, status): {
            "description": text,
            "headers": {name: ref("headers", name) for name in headers},
            **({} if status in _PERHAPS_EMPTY else {"content": content}),
        }
        for status, (text, headers) in _REFUSALS.items()
    }


def refusal_name(face: str, status: str) -> str:
    """The component's name; each face has its own bodies."""
    return f"{face}-{status}"


def ref(kind: str, name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def masked(properties: Schema, kind: type[Struct], secret: Container[str]) -> Schema:
    """The nullable members of a Struct that are secrets, masked where somebody types them."""
    names = [field.encode_name for field in fields(kind) if field.name in secret]
    return {
        name: properties[name]
        | {"anyOf": [each | MASKED if each != NULL else each for each in properties[name]["anyOf"]]}
        for name in names
    }


def portable(schema: Json) -> Json:
    """A schema that every reader understands: ECMA's patterns have no `\\Z`.

    Defaults of null are left out: they go without saying, and viewers would show them as examples.
    """
    if isinstance(schema, dict):
        return {
            name: value.replace(r"\Z", "$") if name == "pattern" else portable(value)
            for name, value in schema.items()
            if (name, value) != ("default", None)
        }
    return [portable(item) for item in schema] if isinstance(schema, list) else schema
