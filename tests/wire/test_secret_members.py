"""Members that let somebody in: marked once, on their type, and masked and hidden everywhere."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from msgspec.structs import fields

from app.codecs.dto import Dto, secrets
from app.codecs.json_text import BadInput
from app.faces.docs.openapi import openapi_json
from app.faces.evo.proof import refuse_secrets_in_address
from app.faces.evo.wire.api import API, EvoDescription

DOCUMENT: dict[str, Any] = msgspec.json.decode(openapi_json())
SOUNDS_SECRET = re.compile(r"password|secret|token|credential|key", re.IGNORECASE)
OPEN = {
    "tokenId", "tokens", "hasPassword", "mustChangePassword", "key", "PrimaryKey",
}  # fmt: skip
"""Members that sound like secrets, and let nobody in."""
OPEN_PARAMETERS = {"Idempotency-Key", "X-XSRF-TOKEN", "SO-AppToken"}
"""Headers, which no viewer keeps in an address."""


def dtos(kind: type[Dto] = Dto) -> Iterator[type[Dto]]:
    """Every DTO that is declared."""
    for below in kind.__subclasses__():
        yield below
        yield from dtos(below)


def members(value: object) -> Iterator[tuple[str, Any]]:
    """Every member of every schema of the document, however deep."""
    match value:
        case dict():
            if isinstance(value.get("properties"), dict):
                yield from value["properties"].items()
            for inner in value.values():
                yield from members(inner)
        case list():
            for item in value:
                yield from members(item)


def is_masked(schema: dict[str, Any]) -> bool:
    kinds = [schema, *schema.get("anyOf", [])]
    return any(kind.get("format") == "password" for kind in kinds)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, by_verb in DOCUMENT["paths"].items():
        for verb, operation in by_verb.items():
            yield verb, path, operation


def with_secrets() -> list[EvoDescription]:
    return [api for api in API if secrets(api.request)]


@pytest.mark.parametrize("dto", list(dict.fromkeys(dtos())), ids=lambda dto: dto.__name__)
def test_what_sounds_like_a_secret_is_declared_as_one(dto: type[Dto]) -> None:
    named = {field.encode_name for field in fields(dto)}
    marked = {field.encode_name for field in secrets(dto)}
    assert {name for name in named if SOUNDS_SECRET.search(name)} - OPEN == marked


def test_in_the_whole_document_exactly_secrets_are_masked() -> None:
    found = list(members(DOCUMENT))
    masked = {name for name, schema in found if is_masked(schema)}
    assert masked == {"password", "newPassword", "yourPassword", "authToken", "token", "SessionKey"}
    for name, schema in found:
        assert is_masked(schema) == (name in masked), name
        assert name in masked | OPEN or not SOUNDS_SECRET.search(name), name


def test_no_parameter_is_a_secret() -> None:
    count = 0
    for verb, path, operation in operations():
        for parameter in operation["parameters"]:
            reference = parameter.get("$ref", "").rpartition("/")[2]
            name = DOCUMENT["components"]["parameters"][reference]["name"] if reference else (
                parameter["name"]
            )  # fmt: skip
            assert name in OPEN | OPEN_PARAMETERS or not SOUNDS_SECRET.search(name), (verb, path)
            assert not is_masked(parameter.get("schema", {})), (verb, path)
            count += 1
    assert count > 100


@pytest.mark.parametrize("api", with_secrets(), ids=lambda api: api.name)
def test_a_secret_is_typed_into_a_masked_field_of_a_form(api: EvoDescription) -> None:
    """The first media type is the one that a viewer begins with; JSON it takes as one text."""
    bodies = [
        DOCUMENT["paths"][path][verb.lower()]["requestBody"]["content"]
        for path in api.paths
        for verb in (api.verb, *api.also)
        if verb != "GET"
    ]
    assert bodies
    for content in bodies:
        assert next(iter(content)) == "application/x-www-form-urlencoded"
        assert "application/json" in content
        properties = next(iter(content.values()))["schema"]["properties"]
        for field in secrets(api.request):
            assert is_masked(properties[field.encode_name])


@pytest.mark.parametrize("dto", list(dict.fromkeys(dtos())), ids=lambda dto: dto.__name__)
def test_no_secret_is_shown_for_logs(dto: type[Dto]) -> None:
    made = msgspec.convert({}, dto) if not _required(dto) else dto(**dict.fromkeys(_names(dto), 0))
    for field in secrets(dto):
        setattr(made, field.name, "canary")
    shown = repr(made)
    assert shown.startswith(dto.__name__)
    assert "canary" not in shown


def _names(dto: type[Dto]) -> list[str]:
    return [field.name for field in fields(dto)]


def _required(dto: type[Dto]) -> bool:
    return any(field.required for field in fields(dto))


@pytest.mark.parametrize(
    "name", sorted({field.encode_name for api in API for field in secrets(api.request)})
)
def test_a_secret_in_an_address_is_refused(name: str) -> None:
    asked: Any = SimpleNamespace(http=SimpleNamespace(pairs=[(name.upper(), "canary")]))
    with pytest.raises(BadInput) as refused:
        refuse_secrets_in_address(asked)
    assert "canary" not in str(refused.value)
