import contextlib
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from app.codecs.json_text import BadInput, decode, unknown_members
from app.codecs.limits import MAX_DEPTH, MAX_VALUES


class Inner(Struct, rename="camel"):
    some_text: str | None = None
    numbers: list[int] = []


class Outer(Struct, rename="camel"):
    first_name: str | None = None
    inner: Inner | None = None
    rank: int = 0


OUTER = msgspec.json.Decoder(Outer)
ANYTHING: msgspec.json.Decoder[object] = msgspec.json.Decoder()


def refusal(body: bytes) -> tuple[str, str | None]:
    with pytest.raises(BadInput) as refused:
        decode(OUTER, body)
    return refused.value.code, refused.value.field


def test_good_json_is_read() -> None:
    body = b'{"firstName": "Kim", "inner": {"numbers": [1]}, "unknown": [{}]}'
    assert decode(OUTER, body) == Outer("Kim", Inner(None, [1]))


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b'{"firstName"', b'{"firstName": "Ki', b'{"firstName": "K\\u00', b"{}{}",
     b"{'firstName': 1}", b'{"rank": 01}', b'{"rank": NaN}', b"\xef\xbb\xbf{}", b"\0"],
)  # fmt: skip
def test_malformed_json_is_refused(body: bytes) -> None:
    assert refusal(body) == ("SerializationException", None)


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\\ud800", b"\\ud800x", b"\\udc00\\ud800"],
    ids=["byte", "cut", "overlong", "surrogate", "high alone", "high then text", "wrong order"],
)
def test_what_is_no_unicode_text_is_refused(text: bytes) -> None:
    assert refusal(b'{"firstName": "' + text + b'"}')[0] == "SerializationException"
    with pytest.raises(BadInput):
        decode(ANYTHING, b'{"' + text + b'": 1}')


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert decode(OUTER, b'{"firstName": "\\ud83d\\ude00"}').first_name == "\U0001f600"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"firstName": 1}', "firstName"),
        (b'{"rank": "1"}', "rank"),
        (b'{"rank": null}', "rank"),
        (b'{"rank": 1.5}', "rank"),
        (b'{"inner": []}', "inner"),
        (b'{"inner": {"someText": {}}}', "inner.someText"),
        (b'{"inner": {"numbers": [1, "2"]}}', "inner.numbers"),
        (b"[]", None),
        (b"7", None),
        (b"null", None),
    ],
)
def test_a_wrong_type_names_the_member(body: bytes, field: str | None) -> None:
    assert refusal(body) == ("ValidationException", field)


def test_the_words_of_a_refusal_hold_no_path_of_ours() -> None:
    with pytest.raises(BadInput, match=r"^Expected `str . null`, got `int`$"):
        decode(OUTER, b'{"inner": {"someText": 1}}')


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"firstName": "a\\u0000b"}', "firstName"),
        (b'{"inner": {"someText": "\\u0000"}}', "inner.someText"),
        (b'{"inner": {"numbers": ["\\u0000"]}}', "inner.numbers"),
        (b'{"firstName": "\\\\\\u0000"}', "firstName"),
        (b'{"unknown": "\\u0000"}', "unknown"),
        (b'"\\u0000"', None),
    ],
    ids=["text", "below", "in a list", "after a backslash", "unknown member", "alone"],
)
def test_the_nul_character_is_refused_and_its_member_named(body: bytes, field: str | None) -> None:
    assert refusal(body) == ("InvalidCharacter", field)


@pytest.mark.parametrize(
    ("text", "read"),
    [(b"\\\\u0000", r"\u0000"), (b"\\\\\\\\u0000", r"\\u0000"), (b"u0000", "u0000")],
    ids=["escaped backslash", "two of them", "no backslash"],
)
def test_what_only_looks_like_the_nul_character_is_read(text: bytes, read: str) -> None:
    assert decode(OUTER, b'{"firstName": "' + text + b'"}').first_name == read


def test_a_nul_byte_in_a_string_is_refused() -> None:
    assert refusal(b'{"firstName": "a\0b"}') == ("SerializationException", None)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_has_a_limit(opening: bytes, closing: bytes) -> None:
    def nested(depth: int) -> bytes:
        return opening * depth + b"1" + closing * depth

    decode(ANYTHING, nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, MAX_VALUES):
        with pytest.raises(BadInput, match="deeper than 64") as refused:
            decode(ANYTHING, nested(depth))
        assert refused.value.code == "SerializationException"


def test_depth_is_neither_breadth_nor_text() -> None:
    decode(ANYTHING, b"[" + b"[],{}," * 1_000 + b"1]")
    decode(ANYTHING, b'["' + b"[{" * 1_000 + b'\\"[[["]')


def test_brackets_in_a_text_do_not_hide_those_outside() -> None:
    with pytest.raises(BadInput, match="deeper"):
        decode(ANYTHING, b"[" * 80 + b'"]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\\""' + b"]" * 80)


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    try:
        value = decode(ANYTHING, body)
    except BadInput:
        return
    assert value == msgspec.json.decode(body)


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda below: st.lists(below) | st.dictionaries(st.text("ab\\\0", max_size=3), below),
        max_leaves=8,
    )
)
def test_a_value_is_refused_exactly_when_it_holds_the_nul_character(value: object) -> None:
    body = msgspec.json.encode(value)
    if holds_nul(value):
        assert refusal(body)[0] == "InvalidCharacter"
    else:
        assert decode(ANYTHING, body) == value


def holds_nul(value: object) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(map(holds_nul, [*value, *value.values()]))
        case list():
            return any(map(holds_nul, value))
        case _:
            return False


@pytest.mark.parametrize(
    "body",
    [
        b'{"firstName": "' + b"\\" * 1_000_000 + b'u0000"}',
        b"[" * 65 + b'"' + b'\\"' * 500_000,
        b"{" + b",".join(b'"m%d": 1' % number for number in range(80_000)) + b', "m5": 1}',
        b'{"x": ' + b"9" * 1_000_000 + b"}",
    ],
    ids=["backslashes", "a string without an end", "many members", "a long number"],
)
def test_no_body_keeps_its_reader_for_long(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(BadInput):
        decode(OUTER, body)
    # A quadratic look at 1 MiB takes minutes; a linear one, milliseconds.
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    "body", [b'{"rank": 0, "rank": 5}', b'{"inner": {"someText": "a", "someText": "b"}}']
)
def test_a_member_given_twice_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput, match="given twice"):
        decode(OUTER, body)


@pytest.mark.parametrize(
    "text", [b"\\ud800", b"\\udfff", b"\\ud83d\\ude00 \\ud83d.", b"\\ud800\\\\"]
)
def test_half_of_a_surrogate_pair_is_told_as_such(text: bytes) -> None:
    with pytest.raises(BadInput, match="half of a surrogate pair") as refused:
        decode(OUTER, b'{"rank": 1, "inner": {"someText": "' + text + b'"}}')
    assert refused.value.field == "inner.someText"


def test_half_of_a_surrogate_pair_in_a_name_can_be_told() -> None:
    code, field = refusal(b'{"\\ud800": {"\\udfff": "\\ud800"}}')
    assert code == "SerializationException"
    assert field is not None
    assert field.encode()


def test_what_stops_after_an_escape_is_told_to_be_cut_off() -> None:
    with pytest.raises(BadInput, match="truncated"):
        decode(OUTER, b'{"firstName": "\\ud800')


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["a"], "'a'; those of Kind are: Id, Name"),
        (["b" * 100, *"cdef"], f"'{'b' * 60}', 'c', 'd', 'e', 'f'; those"),
        ([*"abcdef"], "'a', 'b', 'c', 'd', 'e', …; those"),
    ],
    ids=["one", "five", "more"],
)
def test_unknown_members_are_told_with_those_that_are_known(given: list[str], told: str) -> None:
    error = unknown_members("Kind", given, ["Id", "Name"])
    assert str(error).startswith(f"None of the members is known: {told}")
    assert (error.field, error.code) == (given[0][:60], "UnknownMember")
