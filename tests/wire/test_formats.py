import pytest

from app.codecs.formats import (
    CSV,
    FORMATS,
    JSON,
    JSV,
    XML,
    Format,
    UnknownType,
    answer_format,
    media_type,
    require_charset,
)
from domain.limits import RESERVED_ENDINGS


def negotiated(
    *,
    suffix: str = "",
    asked: str = "",
    handler: Format | None = None,
    accept: bytes | None = None,
    content_type: bytes | None = None,
) -> tuple[str, bytes]:
    format_, answered = answer_format(
        suffix=suffix,
        asked=asked,
        handler=handler.name if handler else "",
        accept=accept,
        content_type=content_type,
    )
    return format_.name, answered


def test_the_extension_goes_before_everything() -> None:
    assert negotiated(suffix="xml", asked="csv", handler=JSON, accept=b"text/csv")[0] == "xml"


def test_the_query_goes_before_the_path_and_accept() -> None:
    assert negotiated(asked="csv", handler=XML, accept=b"application/json")[0] == "csv"


def test_the_format_in_the_path_goes_before_accept() -> None:
    assert negotiated(handler=JSV, accept=b"application/json")[0] == "jsv"


@pytest.mark.parametrize("asked", ["yaml", "", "."])
def test_a_format_that_is_not_there_is_ignored(asked: str) -> None:
    assert negotiated(asked=asked, accept=b"text/csv")[0] == "csv"


def test_what_follows_a_dot_in_the_query_is_ignored() -> None:
    assert negotiated(asked="XML.v2")[0] == "xml"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "json"),
        (b"", "json"),
        (b"*/*", "json"),
        (b"application/xml", "xml"),
        (b"TEXT/XML; charset=utf-8", "xml"),
        (b"application/jsv", "jsv"),
        (b"text/csv", "csv"),
        (b"text/jsonl", "jsonl"),
        (b"text/html, application/xml", "xml"),
        (b"text/html", "json"),
        (b"text/csv;q=0.2, application/xml;q=0.9", "xml"),
        (b"application/xml, application/json", "xml"),
        (b"application/xml;q=0, text/csv", "csv"),
        (b"application/*", "json"),
        (b"text/*", "csv"),
        (b"application/xml;q=much", "xml"),
        (b"application/xml;q=7, text/csv", "csv"),
        (b",;,", "json"),
        (b"\xff\xfe", "json"),
    ],
)
def test_accept_is_weighed(accept: bytes | None, expected: str) -> None:
    assert negotiated(accept=accept)[0] == expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (b"application/xml", "xml"),
        (b"text/csv; header=present", "csv"),
        (b"application/x-www-form-urlencoded", "json"),
        (b"text/plain", "json"),
        (None, "json"),
    ],
)
def test_whoever_accepts_anything_gets_what_they_sent(
    content_type: bytes | None, expected: str
) -> None:
    assert negotiated(accept=b"*/*", content_type=content_type)[0] == expected


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (b"text/jsv", b"text/jsv"),
        (b"application/jsv", b"application/jsv"),
        (b"text/xml", b"text/xml"),
        (b"text/json", b"application/json; charset=utf-8"),
    ],
)
def test_an_answer_bears_the_name_that_was_asked_for(accept: bytes, content_type: bytes) -> None:
    assert negotiated(accept=accept)[1] == content_type


def test_a_media_type_has_no_parameters_and_no_case() -> None:
    assert media_type(b" Text/CSV ; charset=utf-8") == "text/csv"
    assert CSV.media_types == ("text/csv",)


def test_every_format_is_an_ending_that_no_account_has() -> None:
    of_pages_and_audits = {".ndjson", ".html"}
    assert {f".{name}" for name in FORMATS} | of_pages_and_audits == set(RESERVED_ENDINGS)


@pytest.mark.parametrize(
    "content_type",
    [b"", b"application/json", b"text/jsv; charset=utf-8", b'text/csv;Charset="UTF-8"',
     b"text/plain;charset=UTF-8", b"application/json; charset=us-ascii", b"text/xml; charset=",
     b"multipart/form-data; boundary=charset", b"application/xml; charset=UTF-16",
     b"text/jsv; charset=UTF8", b"text/csv; charset=utf_8", b"application/soap+xml; charset=utf16"],
)  # fmt: skip
def test_a_body_may_be_in_a_charset_that_it_is_read_in(content_type: bytes) -> None:
    require_charset(content_type, b"{}")


@pytest.mark.parametrize(
    "content_type",
    [b"application/json; charset=iso-8859-1", b"text/jsv; charset=iso-2022-jp",
     b"application/json; charset=utf-16", b"application/xml; charset=utf-16le",
     b'text/csv; header=present; charset="windows-1252"', b"text/plain; charset = utf-7",
     b"application/json; charset=\xff"],
)  # fmt: skip
def test_a_body_in_another_charset_is_refused(content_type: bytes) -> None:
    with pytest.raises(UnknownType, match="charset"):
        require_charset(content_type, b"{}")
