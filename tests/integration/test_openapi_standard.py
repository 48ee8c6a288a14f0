"""The OpenAPI document against the standard's own rules; the validator takes a second to load."""

import msgspec
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.pages.openapi import openapi_json


def test_the_document_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(msgspec.json.decode(openapi_json())).iter_errors()) == []
