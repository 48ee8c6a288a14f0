"""The OpenAPI document against the standard's own rules; the validator takes a second to load."""

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.faces.docs.openapi import openapi_json


@pytest.mark.parametrize("only_json", [False, True])
def test_the_document_is_valid_openapi(*, only_json: bool) -> None:
    found = msgspec.json.decode(openapi_json(only_json=only_json))
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
