"""The OpenAPI document: complete, and the same in both of its formats."""

from typing import Any

import msgspec
import pytest

from app.codecs.openapi import Part, document
from app.faces.docs.openapi import openapi_json, openapi_yaml
from app.faces.evo.wire.api import API, EvoDescription
from app.faces.evo.wire.samples import answer_sample, request_sample

FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
DOCUMENT: dict[str, Any] = msgspec.json.decode(openapi_json())


def of(api: EvoDescription, path: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path or api.paths[0]][api.verb.lower()]
    return found


def contents(value: object) -> list[tuple[str, ...]]:
    """The media types of every message, however deep."""
    match value:
        case dict():
            own = [tuple(value["content"])] if "content" in value else []
            return own + [found for member in value.values() for found in contents(member)]
        case list():
            return [found for item in value for found in contents(item)]
        case _:
            return []


def without_contents(value: object) -> object:
    match value:
        case dict():
            return {key: without_contents(value[key]) for key in value if key != "content"}
        case list():
            return [without_contents(item) for item in value]
        case _:
            return value


def named(name: str) -> EvoDescription:
    return next(api for api in API if api.name == name)


def strings(value: object, key: str) -> list[str]:
    """Every text under `key`, however deep."""
    match value:
        case dict():
            own = [value[key]] if isinstance(value.get(key), str) else []
            return own + [text for member in value.values() for text in strings(member, key)]
        case list():
            return [text for item in value for text in strings(item, key)]
        case _:
            return []


@pytest.mark.parametrize("api", API, ids=lambda api: api.name)
def test_every_operation_is_there_at_each_of_its_paths(api: EvoDescription) -> None:
    for path in api.paths:
        operation = of(api, path)
        assert operation["summary"] == api.summary.replace("`", "")
        assert (operation["security"] == [{}]) == api.anonymous
        in_path = {one["name"] for one in operation["parameters"] if one.get("in") == "path"}
        assert in_path == {part.strip("{}") for part in path.split("/") if part.startswith("{")}


def test_operation_ids_are_unique() -> None:
    ids = strings(DOCUMENT["paths"], "operationId")
    assert sorted(set(ids)) == sorted(ids)


def test_references_lead_somewhere() -> None:
    for reference in set(strings(DOCUMENT, "$ref")):
        _, kinds, kind, name = reference.split("/")
        assert name in DOCUMENT[kinds][kind], reference


def test_patterns_are_those_of_json_schema() -> None:
    patterns = strings(DOCUMENT["components"]["schemas"], "pattern")
    assert patterns
    assert not any(r"\Z" in pattern for pattern in patterns)


def test_a_request_is_taken_in_every_format() -> None:
    assert list(of(named("NewAISession"))["requestBody"]["content"]) == [
        "application/json",
        "application/xml",
        "application/jsv",
        "text/csv",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ]


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_no_model_of_a_body_is_that_of_a_form(path: str) -> None:
    for operation in DOCUMENT["paths"][path].values():
        content = operation.get("requestBody", {}).get("content", {})
        for name in FORMS & content.keys():
            # Generators take a name for a model, and send a body as all that has its model.
            assert content[name]["schema"]["type"] == "object"
            assert "$ref" not in content[name]["schema"]


def test_a_form_has_the_members_of_its_request_without_null() -> None:
    content = of(named("NewAccount"))["requestBody"]["content"]
    schema = content["multipart/form-data"]["schema"]
    assert schema["required"] == ["name"]
    assert list(schema["properties"]) == ["id", "name"]
    assert {member["type"] for member in schema["properties"].values()} == {"string"}
    patch = of(named("PatchAISession"))["requestBody"]["content"]
    assert list(patch["application/x-www-form-urlencoded"]["schema"]["properties"]) == ["purpose"]


def test_the_variant_for_generators_is_the_document_but_for_other_formats() -> None:
    found = msgspec.json.decode(openapi_json(only_json=True))
    assert set(contents(found)) == {("application/json",)}
    assert {"application/xml"} < set(sum(contents(DOCUMENT), ()))
    assert without_contents(found) == without_contents(DOCUMENT)
    assert msgspec.yaml.decode(openapi_yaml(only_json=True)) == found


def test_a_list_is_given_line_by_line_too() -> None:
    assert list(of(named("ListAISessions"))["responses"]["200"]["content"]) == [
        "application/json",
        "application/xml",
        "application/jsv",
        "text/csv",
        "text/jsonl",
    ]


def test_examples_are_written_by_the_codecs() -> None:
    operation = of(named("PatchAISession"))
    request = operation["requestBody"]["content"]["application/xml"]
    answer = operation["responses"]["200"]["content"]["text/csv"]
    assert request["example"] == request_sample("PatchAISession", "xml")
    assert answer["example"] == answer_sample("PatchAISession", "csv")


def test_a_command_on_a_session_can_be_conditional_and_retried() -> None:
    operation = of(named("PatchAISession"))
    assert {"$ref": "#/components/parameters/If-Match"} in operation["parameters"]
    assert {"$ref": "#/components/parameters/Idempotency-Key"} in operation["parameters"]
    assert {"409", "412", "422"} <= operation["responses"].keys()
    assert {"ETag", "X-Log-Position"} <= operation["responses"]["200"]["headers"].keys()


def test_a_deletion_has_no_body_to_answer_with() -> None:
    responses = of(named("DeleteAISession"))["responses"]
    assert "content" not in responses["204"]
    assert "200" not in responses


def test_a_member_that_a_request_must_have_is_required_and_not_null() -> None:
    schema = DOCUMENT["components"]["schemas"]["NewAccount"]
    assert schema["required"] == ["name"]
    assert schema["properties"]["name"]["type"] == "string"
    assert {"type": "null"} in schema["properties"]["id"]["anyOf"]


def test_an_example_leaves_out_what_the_path_says() -> None:
    content = of(named("PatchAISession"))["requestBody"]["content"]
    assert content["application/json"]["example"] == {"purpose": "String"}
    content = of(named("NewAISession"))["requestBody"]["content"]
    assert content["application/json"]["example"] == {"accountId": "String", "purpose": "String"}


def test_by_another_verb_nobody_is_asked_for_a_password() -> None:
    asked = DOCUMENT["paths"]["/auth"]["get"]
    assert asked["operationId"] == "AuthenticateGet"
    assert asked["parameters"] == []
    assert "requestBody" not in asked


def test_yaml_holds_the_same_document() -> None:
    assert msgspec.yaml.decode(openapi_yaml()) == DOCUMENT


def test_faces_are_merged() -> None:
    one = Part(
        tags=(("A", "a"),), paths={"/a": {}}, components={"schemas": {"X": {"type": "null"}}}
    )
    two = Part(
        tags=(("B", "b"),), paths={"/b": {}}, components={"schemas": {"X": {"type": "null"}}}
    )
    merged = document([one, two], version="1")
    assert list(merged["paths"]) == ["/a", "/b"]
    assert merged["components"]["schemas"] == {"X": {"type": "null"}}


def test_one_name_cannot_stand_for_two_things() -> None:
    one = Part(tags=(), paths={"/a": {"get": {}}}, components={})
    two = Part(tags=(), paths={"/a": {"put": {}}}, components={})
    with pytest.raises(ValueError, match="two different things"):
        document([one, two], version="1")
