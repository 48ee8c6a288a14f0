import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.codecs.form import pairs, read_multipart, read_urlencoded
from app.codecs.json_text import BadInput
from app.codecs.limits import MAX_PAIRS
from app.codecs.value import Tree

HOSTILE = st.text(st.sampled_from("ab&=+%;?# \t\r\n\"'\\[]é€\U0001f600-"), max_size=8)
MULTIPART = b'multipart/form-data; boundary="B"'


def part(name: str, content: bytes, more: str = "") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def refusal(body: bytes) -> tuple[str, str | None, str]:
    with pytest.raises(BadInput) as refused:
        read_urlencoded(body)
    return refused.value.code, refused.value.field, str(refused.value)


@pytest.mark.parametrize(
    ("query", "read"),
    [
        (b"", []),
        (b"a=1&b=2", [("a", "1"), ("b", "2")]),
        (b"b=2&a=1&b=3", [("b", "2"), ("a", "1"), ("b", "3")]),
        (b"sortField&page=0", [("sortField", ""), ("page", "0")]),
        (b"purpose=", [("purpose", "")]),
        (b"=1", [("", "1")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"&&a=1&", [("a", "1")]),
        (b"sessionId=s+1%2F%C3%A9", [("sessionId", "s 1/\xe9")]),
        (b"accountIds=%5Ba1,b%2C2%5D", [("accountIds", "[a1,b,2]")]),
        ("a=é".encode(), [("a", "\xe9")]),
        (b"a=%zz%", [("a", "%zz%")]),
        (b"SESSIONID=1", [("SESSIONID", "1")]),
        (b"%61=%2B", [("a", "+")]),
    ],
    ids=["nothing", "two", "order", "no equals sign", "no value", "no name", "two equals signs",
         "semicolon", "empty pairs", "escapes", "a list", "raw UTF-8", "no escapes", "case",
         "escaped name and plus"],
)  # fmt: skip
def test_a_query_is_read_pair_by_pair(query: bytes, read: list[tuple[str, str]]) -> None:
    assert pairs(query) == read


def test_a_form_has_a_text_for_one_and_a_list_for_more() -> None:
    body = b"accountId=a1&ids=1&purpose=a+b&ids=2&ids=1"
    assert read_urlencoded(body) == {
        "accountId": "a1",
        "ids": ["1", "2", "1"],
        "purpose": "a b",
    }


@pytest.mark.parametrize("body", [b"a=%FF", b"a=\xff", b"%C3=1", b"a=%ED%A0%80", b"a=\xc3%A9"])
def test_a_form_that_is_not_utf_8_is_refused(body: bytes) -> None:
    code, _, message = refusal(body)
    assert code == "SerializationException"
    assert message.startswith("Malformed query or form: no UTF-8")


@pytest.mark.parametrize("body", [b"b=1&a=x%00", b"b=1&a=\0", b"%00a=1", b"a\0=1"])
def test_a_form_with_the_nul_character_is_refused_and_its_member_named(body: bytes) -> None:
    assert refusal(body)[:2] == ("InvalidCharacter", "a")


def test_a_form_has_a_limit_of_pairs() -> None:
    assert len(pairs(b"&".join([b"a=1"] * MAX_PAIRS))) == MAX_PAIRS
    assert "more than 1000 pairs" in refusal(b"&".join([b"a=1"] * (MAX_PAIRS + 1)))[2]


@settings(max_examples=50)
@given(st.lists(st.tuples(HOSTILE, HOSTILE), max_size=5))
def test_pairs_come_through_a_query_as_they_are(given_pairs: list[tuple[str, str]]) -> None:
    assert pairs(urlencode(given_pairs).encode()) == given_pairs


def test_a_multipart_form_is_read() -> None:
    body = (
        b"preamble\r\n"
        + part("accountId", b"a1")
        + part("purpose", 'p, "q"\r\n\xe9'.encode())
        + part("ids", b"1")
        + part("empty", b"")
        + part("ids", b"2", '; filename="two.txt"\r\nContent-Type: text/plain; charset=UTF-8')
        + b"--B--\r\nepilogue"
    )
    assert read_multipart(body, MULTIPART) == {
        "accountId": "a1",
        "purpose": 'p, "q"\r\n\xe9',
        "ids": ["1", "2"],
        "empty": "",
    }


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data; boundary=B",
        b"Multipart/Form-Data;BOUNDARY=B",
        b'multipart/form-data; charset=utf-8; boundary="B"; more=1',
    ],
    ids=["bare", "case", "among others"],
)
def test_the_boundary_is_found(content_type: bytes) -> None:
    assert read_multipart(part("a", b"1") + b"--B--", content_type) == {"a": "1"}


def test_a_multipart_form_without_parts_has_no_members() -> None:
    assert read_multipart(b"--B--\r\n", MULTIPART) == {}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", MULTIPART),
        (part("a", b"1"), MULTIPART),
        (part("a", b"1")[:-8], MULTIPART),
        (b"--B\r\nContent-Disposition: form-da", MULTIPART),
        (b"--C\r\n\r\n\r\n--C--", MULTIPART),
        (b"x--B--", MULTIPART),
        (b"--B\r\n\r\n1\r\n--B--", MULTIPART),
        (b"--B\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--B--", MULTIPART),
        (b"--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--", MULTIPART),
        (part("a", b"1", '\r\nContent-Length: 9') + b"--B--", MULTIPART),
        (part("a", b"1", "\r\nX: " + "y" * 9_000) + b"--B--", MULTIPART),
        (part("a", b"\xff") + b"--B--", MULTIPART),
        (part("a", b"1", "\r\nContent-Type: text/plain; charset=utf-16") + b"--B--", MULTIPART),
        (part("a", b"1") * 1_001 + b"--B--", MULTIPART),
        (part("a", b"1" * 1_100_000) + b"--B--", MULTIPART),
        (part("a", b"1") + b"--B--", b"multipart/form-data"),
        (part("a", b"1") + b"--B--", b"multipart/form-data; boundary="),
        (part("a", b"1") + b"--B--", b"multipart/form-data; boundary=" + b"B" * 10_000),
        (part("a", b"1") + b"--B--", b""),
    ],
    ids=["empty", "no end", "cut in a part", "cut in a header", "another boundary",
         "text before the boundary", "no disposition", "another disposition", "no name",
         "wrong length", "long header", "no UTF-8", "another encoding", "many parts", "long part",
         "no boundary", "empty boundary", "long content type", "no content type"],
)  # fmt: skip
def test_a_malformed_multipart_form_is_refused(body: bytes, content_type: bytes) -> None:
    with pytest.raises(BadInput, match=r"^Malformed multipart form: .") as refused:
        read_multipart(body, content_type)
    assert refused.value.code == "SerializationException"


def test_a_multipart_form_with_the_nul_character_is_refused_and_its_member_named() -> None:
    with pytest.raises(BadInput) as refused:
        read_multipart(part("a", b"x\0") + b"--B--", MULTIPART)
    assert (refused.value.code, refused.value.field) == ("InvalidCharacter", "a")


@settings(max_examples=50)
@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_texts_come_through_a_multipart_form_as_they_are(texts: list[str]) -> None:
    body = b"".join(part(f"m{index}", text.encode()) for index, text in enumerate(texts))
    assert read_multipart(body + b"--B--\r\n", MULTIPART) == {
        f"m{index}": text for index, text in enumerate(texts)
    }


PIECES = st.sampled_from([
    b"--B", b"--B--", b"\r\n", b"\n", b"\r\n\r\n", b"Content-Disposition: form-data; name=", b'"a"',
    b"Content-Type: text/plain; charset=", b"Content-Length: 1", b"utf-8''", b"boundary", b"*0*=",
    b"\xff", b"\0", b" ", b":", b";", b"=", b"%", b"&", b"--", b"B",
])  # fmt: skip


@settings(max_examples=50)
@given(st.lists(PIECES | st.binary(max_size=3), max_size=12), st.lists(PIECES, max_size=6))
def test_any_bytes_are_a_form_or_refused(pieces: list[bytes], parameters: list[bytes]) -> None:
    body = b"".join(pieces)
    assert isinstance(read_or_refuse(read_urlencoded, body), dict)
    for content_type in (MULTIPART, b"multipart/form-data; boundary" + b"".join(parameters)):
        multipart = partial(read_multipart, content_type=content_type)
        assert isinstance(read_or_refuse(multipart, body), dict)


def read_or_refuse(reader: Callable[[bytes], Tree], body: bytes) -> Tree:
    try:
        return reader(body)
    except BadInput:
        return {}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a&" * 500_000, MULTIPART),
        (b"%" * 300_000, MULTIPART),
        (b"--B\r\n" + b"\r\n--" * 250_000, MULTIPART),
        (b"\r" * 1_000_000, MULTIPART),
        (b"--B", b"multipart/form-data; boundary=" + b';"' * 30_000),
    ],
    ids=["pairs", "escapes", "nearly boundaries", "line ends", "quotes in the content type"],
)
def test_no_form_keeps_its_reader_for_long(body: bytes, content_type: bytes) -> None:
    started = time.process_time()
    read_or_refuse(read_urlencoded, body)
    read_or_refuse(partial(read_multipart, content_type=content_type), body)
    assert time.process_time() - started < 1.0
