"""The tables of the chat session API: complete, and what the OpenAPI document is made of."""

from typing import Any

import msgspec
import pytest

from app.faces.docs.openapi import openapi_json
from app.faces.superoffice.face import SuperOfficeFace
from app.faces.superoffice.wire.agents import AGENTS
from app.faces.superoffice.wire.api import SuperOfficeDescription
from app.faces.superoffice.wire.rest import REST

API = (*REST, *AGENTS)
DOCUMENT: dict[str, Any] = msgspec.json.decode(openapi_json())


def test_there_are_17_resources_operations_and_15_of_the_agent() -> None:
    assert (len(REST), len(AGENTS)) == (17, 15)
    assert len({api.name for api in API}) == 32


@pytest.mark.parametrize("api", API, ids=lambda api: api.name)
def test_what_is_in_the_table_is_served_and_described(api: SuperOfficeDescription) -> None:
    assert SuperOfficeFace().routes[api.path][api.verb].name == api.name
    described = DOCUMENT["paths"][api.path][api.verb.lower()]
    assert described["operationId"] == api.name
    assert ("requestBody" in described) == (api.body is not None or api.is_patch)
    in_query = [each["name"] for each in described["parameters"] if each.get("in") == "query"]
    assert tuple(in_query) == api.query


@pytest.mark.parametrize("api", [api for api in API if api.is_command], ids=lambda api: api.name)
def test_a_command_can_be_retried_and_one_on_a_session_be_conditional(
    api: SuperOfficeDescription,
) -> None:
    described = DOCUMENT["paths"][api.path][api.verb.lower()]
    named = {each["$ref"].rpartition("/")[2] for each in described["parameters"] if "$ref" in each}
    assert "Idempotency-Key" in named
    assert ({"If-Match", "If-Unmodified-Since"} <= named) == api.is_conditional
