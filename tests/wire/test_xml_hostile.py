"""XML that could harm its reader is refused: document types, depth, numbers, time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.xml_refused import refusal

from app.codecs.json_text import BadInput, TooManyValues
from app.codecs.limits import MAX_DEPTH, MAX_VALUES, NAMESPACE_LENGTH
from app.codecs.xml_text import read


def laughs() -> str:
    entities = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
    return f'<!DOCTYPE R [<!ENTITY l0 "ha">{entities}]><R>&l9;</R>'


@pytest.mark.parametrize(
    "body",
    [
        laughs(),
        '<!DOCTYPE R [<!ENTITY a "' + "a" * 9_000 + '">]><R>' + "&a;" * 9_000 + "</R>",
        '<!DOCTYPE R [<!ENTITY x SYSTEM "file:///etc/passwd">]><R>&x;</R>',
        '<!DOCTYPE R [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><R/>',
        '<!DOCTYPE R SYSTEM "http://127.0.0.1:9/x.dtd"><R/>',
        '<!DOCTYPE R PUBLIC "-//X//Y" "file:///etc/passwd"><R/>',
        '<!DOCTYPE R [<!NOTATION n SYSTEM "x"><!ENTITY u SYSTEM "x" NDATA n>]><R/>',
        '<!DOCTYPE R [<!ATTLIST R xmlns CDATA "urn:x">]><R/>',
        "<!DOCTYPE R><R/>",
    ],
    ids=["billion laughs", "quadratic blowup", "external entity", "parameter entity",
         "external subset", "public identifier", "unparsed entity", "default attribute", "bare"],
)  # fmt: skip
def test_document_type_definitions_are_refused(body: str) -> None:
    assert "document type definition" in refusal(body.encode())


def test_depth_has_a_limit() -> None:
    assert read(b"<R>" * MAX_DEPTH + b"</R>" * MAX_DEPTH)[0] == "R"
    for depth in (MAX_DEPTH + 1, MAX_VALUES):
        assert "deeper than 64" in refusal(b"<R>" * depth + b"</R>" * depth)


def test_elements_and_namespaces_have_limits() -> None:
    read(b"<R>" + b"<A/>" * (MAX_VALUES - 1) + b"</R>")
    with pytest.raises(TooManyValues, match="more than 10000 values"):
        read(b"<R>" + b"<A/>" * MAX_VALUES + b"</R>")
    read(b"<R xmlns='" + b"x" * NAMESPACE_LENGTH + b"'/>")
    assert "namespace" in refusal(b"<R xmlns='" + b"x" * (NAMESPACE_LENGTH + 1) + b"'/>")


@pytest.mark.parametrize(
    "body",
    [
        b"<R xmlns='" + b"x" * 500_000 + b"'>" + b"<A/>" * 120_000 + b"</R>",
        b"<R xmlns='" + b"x" * 1_000 + b"'>" + b"<A/>" * 250_000 + b"</R>",
        b"<R " + b"".join(b"a%d='' " % number for number in range(80_000)) + b"/>",
        b"<R>" + b"a<!---->" * 120_000 + b"</R>",
        b"<R>" + b"&amp;" * 200_000 + b"</R>",
        b"<R>" + b"<" * 1_000_000,
        b"<?xml " + b"encoding" * 125_000,
        b"<" + b"R" * 1_000_000,
    ],
    ids=["long namespace", "elements", "attributes", "comments", "references", "brackets",
         "declaration", "name"],
)  # fmt: skip
def test_no_document_keeps_its_reader_for_long(body: bytes) -> None:
    started = time.process_time()
    is_read_or_refused(body)
    # One that is read again for every element takes a minute.
    assert time.process_time() - started < 1.0


PIECES = st.sampled_from([
    b"<R>", b"</R>", b"<A", b">", b"/>", b" i:nil='true'", b" xmlns:i='urn:i'", b"&amp;", b"&x;",
    b"<!DOCTYPE R>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?xml", b"?>", b" encoding='utf-16'",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"text", b"'", b" version='1.0'",
])  # fmt: skip


@settings(max_examples=50)
@given(st.lists(PIECES | st.binary(max_size=3), max_size=12).map(b"".join))
def test_any_bytes_are_xml_or_refused(body: bytes) -> None:
    assert is_read_or_refused(body) or is_read_or_refused(b"<R>" + body + b"</R>")


def is_read_or_refused(body: bytes) -> bool:
    try:
        name, _ = read(body)
    except BadInput as error:
        return str(error).startswith("Malformed XML: ")
    return name != ""
