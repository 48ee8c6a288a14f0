"""The vendor's official descriptions of the API, in `swagger/`: operations and their answers."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec
from jsonschema import Draft4Validator
from msgspec import Struct

FOLDER = Path(__file__).with_name("swagger")
FILES = ("Swagger-v1-ChatSession.json", "Swagger-v1-ChatAgent.json")
Schema = dict[str, Any]


class Official(Struct, frozen=True):
    """One operation."""

    path: str
    verb: str
    answers: Mapping[str, Schema | None]
    """By status, with the schema of the body if there is one."""
    definitions: Schema

    def check(self, answer: httpx.Response) -> None:
        """Assert that the description allows the answer; null is allowed everywhere."""
        assert str(answer.status_code) in self.answers, answer.text
        schema = self.answers[str(answer.status_code)]
        if schema is None:
            assert answer.content == b""
            return
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        whole = {**nullable(schema), "definitions": self.definitions}
        errors = [
            f"{list(error.absolute_path)}: {error.message[:200]}"
            for error in Draft4Validator(whole).iter_errors(answer.json())
        ]
        assert errors == []


@cache
def operations() -> Mapping[str, Official]:
    """All, by their ids."""
    found: dict[str, Official] = {}
    for name in FILES:
        description = msgspec.json.decode((FOLDER / name).read_bytes())
        definitions = {key: nullable(value) for key, value in description["definitions"].items()}
        for path, verbs in description["paths"].items():
            for verb, operation in verbs.items():
                answers = {
                    status: answer.get("schema")
                    for status, answer in operation["responses"].items()
                }
                official = Official(path, verb.upper(), answers, definitions)
                found[operation["operationId"]] = official
    return found


def nullable(schema: Schema) -> Schema:
    """A schema that takes null, on every level: the vendor's own answers are full of it."""
    found: Schema = {}
    for key, value in schema.items():
        match key, value:
            case "type", "object" if not {"properties", "additionalProperties"} & schema.keys():
                continue  # .NET's object: anything
            case "type", _:
                found[key] = [value, "null"]
            case "enum", _:
                found[key] = [*value, None]
            case "properties", _:
                found[key] = {name: nullable(member) for name, member in value.items()}
            case (("items" | "additionalProperties"), dict()):
                found[key] = nullable(value)
            case "$ref", _:
                return {"anyOf": [{"$ref": value}, {"type": "null"}]}
            case _:
                found[key] = value
    return found
