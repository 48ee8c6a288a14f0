"""The OpenAPI document: each face provides its part, and the parts are merged here."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from app.codecs.value import Json

OPENAPI_VERSION = "3.1.1"

Schema = dict[str, Any]
_JSON = "application/json"


class Part(Struct, frozen=True, kw_only=True):
    """One face's contribution to the document."""

    tags: tuple[tuple[str, str], ...]
    """Names and descriptions of the groups of its operations."""
    paths: Schema
    components: dict[str, Schema]
    """By kind (`schemas`, `responses`, `headers`, …), then by name."""


def document(parts: Iterable[Part], *, version: str) -> Schema:
    """The document of all faces.

    Raises ValueError if two faces use one name or path for different things.
    """
    tags: list[Schema] = []
    paths: Schema = {}
    components: dict[str, Schema] = {}
    for part in parts:
        tags += [{"name": name, "description": text} for name, text in part.tags]
        _merge(paths, part.paths)
        for kind, named in part.components.items():
            _merge(components.setdefault(kind, {}), named)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Sessionary",
            "version": version,
            "description": "Sessions, kept as what happened to them.",
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": components,
    }


def json_only(whole: Schema) -> Schema:
    """A document that describes bodies in `application/json` only, for generators of clients.

    They know few other formats, warn of each unknown one, and model a body once per format.
    """

    def kept(value: Json) -> Json:
        if isinstance(value, list):
            return [kept(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            name: _in_json(kept(member)) if name == "content" else kept(member)
            for name, member in value.items()
        }

    described: Schema = kept(whole)
    return described


def _in_json(content: Schema) -> Schema:
    return {name: member for name, member in content.items() if name == _JSON} or content


def _merge(into: Schema, added: Schema) -> None:
    for name, value in added.items():
        if into.setdefault(name, value) != value:
            raise ValueError(f"{name!r} stands for two different things")
