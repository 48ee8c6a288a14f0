import pytest

from app.codecs.formats import JSON, XML, Format, UnknownType
from app.codecs.json_text import BadInput
from app.faces.superoffice.wire.negotiation import (
    FORM,
    NotAcceptable,
    answer_format,
    request_format,
)


@pytest.mark.parametrize(
    ("accept", "format_", "content_type"),
    [
        (None, JSON, b"application/json"),
        (b"", JSON, b"application/json"),
        (b"*/*", JSON, b"application/json"),
        (b"application/*", JSON, b"application/json"),
        (b"text/*", JSON, b"text/json"),
        (b"application/json; charset=utf-8", JSON, b"application/json"),
        (b"TEXT/JSON", JSON, b"text/json"),
        (b"application/xml", XML, b"application/xml"),
        (b"text/xml", XML, b"text/xml"),
        (b"application/json-patch+json", JSON, b"application/json-patch+json"),
        (b"application/merge-patch+json", JSON, b"application/merge-patch+json"),
        (b"text/html, application/xml;q=0.9, */*;q=0.8", XML, b"application/xml"),
        (b"application/json;q=0.1, text/xml;q=0.2", XML, b"text/xml"),
        (b"application/json, text/json, application/xml, text/xml", JSON, b"application/json"),
        (b"application/xml;q=much", XML, b"application/xml"),
    ],
)
def test_accept_chooses_among_the_six_types(
    accept: bytes | None, format_: Format, content_type: bytes
) -> None:
    assert answer_format(accept) == (format_, content_type + b"; charset=utf-8")


@pytest.mark.parametrize("accept", [b"text/html", b"application/json;q=0", b"image/*", b"\xff,,;"])
def test_a_client_that_accepts_none_of_them_is_told(accept: bytes) -> None:
    with pytest.raises(NotAcceptable, match="merge-patch"):
        answer_format(accept)


@pytest.mark.parametrize("asked", ["XML", "xml", " Xml "])
def test_the_query_goes_before_accept(asked: str) -> None:
    assert answer_format(b"text/html", asked) == (XML, b"application/xml; charset=utf-8")
    assert answer_format(b"text/xml", "JSON")[0] is JSON


def test_a_format_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInput) as refusal:
        answer_format(None, "yaml")
    assert refusal.value.field == "$format"


@pytest.mark.parametrize(
    ("content_type", "body", "format_"),
    [
        (None, b" {}", JSON),
        (None, b"\n<a/>", XML),
        (b"", b"null", JSON),
        (b";", b"{}", JSON),
        (b"application/json", b"<a/>", JSON),
        (b"text/json; charset=utf-8", b"{}", JSON),
        (b"application/json-patch+json", b"[]", JSON),
        (b"application/merge-patch+json", b"{}", JSON),
        (b"Application/XML", b"<a/>", XML),
        (b"text/xml", b"<a/>", XML),
        (b"application/x-www-form-urlencoded", b"a=1", FORM),
        (b"application/x-www-form-urlencoded", b'{"a":1}', JSON),
    ],
)
def test_a_body_is_read_as_its_type_says(
    content_type: bytes | None, body: bytes, format_: Format
) -> None:
    assert request_format(content_type, body) is format_


@pytest.mark.parametrize("content_type", [b"text/plain", b"multipart/form-data", b"\xff"])
def test_a_body_of_another_type_is_refused(content_type: bytes) -> None:
    with pytest.raises(UnknownType):
        request_format(content_type, b"{}")
