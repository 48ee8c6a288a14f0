"""JSV as it is read: compact, samples, JSON, what is malformed, and what was written."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import PATCH_IN_JSV
from support.patience import patient
from support.shown import NOON_IN_TEXT, session

from app.codecs import jsv
from app.codecs.json_text import BadInput
from app.codecs.limits import MAX_DEPTH
from app.codecs.value import Tree
from app.faces.evo.wire.dto import ResponseError, UserInfo
from app.faces.evo.wire.requests import ListAISessions, PatchAISession

TEXT = st.text(st.sampled_from("\",:{}[]\r\n\t ab\\='é\U0001f600"), max_size=12)
FEW = settings(max_examples=50, deadline=None)
SAMPLE = PATCH_IN_JSV.decode()


def refusal(read: Callable[[], Tree]) -> BadInput:
    with pytest.raises(BadInput) as refused:
        read()
    return refused.value


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("{}", {}),
        ("[]", []),
        ("{ }", {}),
        ("[ ]", [" "]),
        ("{a:}", {"a": None}),
        ('{a:""}', {"a": ""}),
        ("{purpose:,sessionId:x}", {"purpose": None, "sessionId": "x"}),
        ("{ a : b ,c:d}", {"a": " b ", "c": "d"}),
        ("{a:x\n}", {"a": "x\n"}),
        ("{a:http://b:80/c}", {"a": "http://b:80/c"}),
        ('{a:say "hi" [now]}', {"a": 'say "hi" [now]'}),
        ("{a:{b:1},c:[x,{d:[]}]}", {"a": {"b": "1"}, "c": ["x", {"d": []}]}),
        ("[{a:b},{a:c}]", [{"a": "b"}, {"a": "c"}]),
        ('{"a:b":c,"":d}', {"a:b": "c", "": "d"}),
        ("{a:[b,]}", {"a": ["b", None]}),
        ("{a:null}", {"a": "null"}),
        ("\r\n{a:b}\n", {"a": "b"}),
        ("{a:True,b:1}", {"a": "True", "b": "1"}),
    ],
    ids=["object", "list", "blank object", "list of a space", "null", "empty", "null in front",
         "white space counts",
         "so does a line break", "colons in a value", "quotes within a value", "nested", "batch",
         "quoted names", "null item", "the word null", "lines around", "no types"],
)  # fmt: skip
def test_the_compact_form_is_read(text: str, tree: Tree) -> None:
    assert jsv.read(text.encode()) == tree


@pytest.mark.parametrize(
    "text",
    [SAMPLE, SAMPLE.replace("\n", "\r\n"), SAMPLE.replace("\t", "    "), f"\n{SAMPLE}\n",
     "{sessionId: String ,\n\tpurpose : String }"],
    ids=["tabs", "Windows", "spaces", "lines around", "first member on the first line"],
)  # fmt: skip
def test_in_the_documented_sample_white_space_is_layout(text: str) -> None:
    assert jsv.read(text.encode()) == {"sessionId": "String", "purpose": "String"}


def test_white_space_in_quotes_counts_in_a_sample_too() -> None:
    assert jsv.read(b'{\n\ta: " b ",\n\tc: d e ,\n\tf: \n}') == {"a": " b ", "c": "d e", "f": None}


def test_a_text_that_holds_a_sample_is_no_sample() -> None:
    assert jsv.read(jsv.write(PatchAISession(session_id=" x ", purpose=SAMPLE))) == {
        "sessionId": " x ",
        "purpose": SAMPLE,
    }


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('{"a":"b"}', {"a": "b"}),
        ('{"a": "b", "c": null, "d": [1, true]}', {"a": "b", "c": None, "d": [1, True]}),
        ('{\n  "a": "b\\n\\"c\\""\n}', {"a": 'b\n"c"'}),
        ('[ {"a":"b"} ]', [{"a": "b"}]),
        ('{"a": "p, ""q""", "b": [ "c" ] }', {"a": 'p, "q"', "b": ["c"]}),
        ('{a: "b"}', {"a": "b"}),
    ],
    ids=["compact", "spaces", "escapes", "batch", "quotes of JSV", "names without quotes"],
)
def test_json_sent_as_jsv_is_read(text: str, tree: Tree) -> None:
    assert jsv.read(text.encode()) == tree


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a,b", ["a", "b"]),
        ("[a,b]", ["a", "b"]),
        ('["a,b",c]', ["a,b", "c"]),
        ("[a1,b,2]", ["a1", "b", "2"]),
        ("a", ["a"]),
        ('"a,b",c', ["a,b", "c"]),
        ("", []),
        ("[]", []),
        ('""', [""]),
        (" a, b", [" a", " b"]),
        ("a,", ["a", None]),
        ("{a:b}", [{"a": "b"}]),
    ],
    ids=["commas", "brackets", "quotes", "Python client", "one", "quotes, no brackets", "nothing",
         "empty", "empty text", "white space counts", "null", "object"],
)  # fmt: skip
def test_a_parameter_is_read_as_a_list(text: str, items: Tree) -> None:
    assert jsv.read_value(text) == items


MALFORMED = {
    "nothing": b"",
    "white space": b" \n",
    "text": b"abc",
    "quoted text": b'"abc"',
    "no UTF-8": b"{a:\xff}",
    "surrogate": b"{a:\xed\xa0\x80}",
    "NUL": b"{a:\0}",
    "byte order mark": b"\xef\xbb\xbf{a:b}",
    "object not closed": b"{a:b",
    "object only opened": b"{",
    "list not closed": b"[a",
    "list only opened": b"[",
    "inner list not closed": b"{a:[b}",
    "inner object not closed": b"{a:{b:c}",
    "closed twice": b"{a:b}}",
    "list closed twice": b"[a]]",
    "closed by the wrong bracket": b"[{a:b]}",
    "closed before it is opened": b"}",
    "text after the end": b"{a:b}c",
    "object after the end": b"{a:b}{}",
    "quote not closed": b'{a:"b}',
    "quote of a name not closed": b'{"a:b}',
    "quote closed within": b'{a:"b"c}',
    "no name": b"{:b}",
    "no colon": b"{a}",
    "comma at the end": b"{a:b,}",
    "two commas": b"{a:b,,c:d}",
    "bracket in a name": b"{a[:b}",
    "no comma": b"{a:{}b:c}",
    "member twice": b"{a:b,a:c}",
    "member twice, once quoted": b'{a:b,"a":c}',
    "JSON, cut": b'{"a":"b',
    "too deep": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "too deep to recurse": b"{a:" * 100_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_refused(body: bytes) -> None:
    refused = refusal(lambda: jsv.read(body))
    assert str(refused).startswith("Malformed JSV: ")
    assert refused.code == "SerializationException"


@pytest.mark.parametrize("text", ["[a", "a]", "[a],b", 'a,"b', "a\0", "{a}", "a],[b"])
def test_a_malformed_parameter_is_refused(text: str) -> None:
    refused = refusal(lambda: jsv.read_value(text))
    assert str(refused).startswith("Malformed JSV: ")
    assert refused.code == "SerializationException"


def test_well_formed_json_is_refused_for_what_it_says() -> None:
    assert refusal(lambda: jsv.read(b'{"a":"\\u0000"}')).code == "InvalidCharacter"
    assert refusal(lambda: jsv.read(b'{"a":1,"a":2}')).field == "a"


def test_nesting_up_to_the_limit_is_read() -> None:
    assert jsv.read(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize(
    "body",
    [b'{a:"' + b'""' * 50_000, b"{a:" + b" " * 100_000, b"{" + b"a" * 100_000, b'"' * 100_000,
     b"{" + b" " * 100_000, b"[" + b" " * 100_000 + b"x", b"{a:" + b"b{" * 50_000,
     b'{"' + b'""' * 50_000, b'{"' + b'\\"' * 50_000, b"{\n\t" + b"\n" * 100_000,
     b"{a:" + b"[" * MAX_DEPTH + b" " * 100_000, b"[" + b" ,[" * 60 + b" " * 100_000],
    ids=["quotes", "white space", "name", "only quotes", "white space for a name", "item",
         "braces in a value", "quotes in a name", "escapes", "line breaks", "deep", "lists"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(body: bytes) -> None:
    started = time.process_time()
    refusal(lambda: jsv.read(body))
    assert time.process_time() - started < patient(0.5)


@FEW
@given(TEXT, TEXT, st.lists(TEXT, max_size=3))
def test_what_is_written_is_read_back(one: str, other: str, roles: list[str]) -> None:
    session_info = session(account_id=one, purpose=other)
    assert jsv.read(jsv.write(session_info)) == {
        "accountId": one,
        "purpose": other,
        "id": "s1",
        "dateCreated": NOON_IN_TEXT,
        "dateLastModified": NOON_IN_TEXT,
        "createdBy": "kim",
        "lastModifiedBy": "lou",
    }
    user = UserInfo(is_authenticated=True, roles=roles, account_ids=[one], account_names=[])
    assert jsv.read(jsv.write(user)) == {
        "isAuthenticated": "True",
        "roles": roles,
        "accountIds": [one],
        "accountNames": [],
    }
    assert jsv.read_value(jsv.to_text(roles)) == roles


@FEW
@given(st.dictionaries(TEXT.map(str.strip), TEXT, max_size=3))
def test_a_map_is_read_back(pairs: dict[str, str]) -> None:
    error = ResponseError(error_code="e", message="m", meta=pairs)
    assert jsv.read(jsv.write(error)) == {"errorCode": "e", "message": "m", "meta": pairs}


@FEW
@given(TEXT.map(str.strip), st.lists(TEXT.map(str.strip), min_size=1, max_size=3))
def test_the_pretty_form_is_read_back(text: str, items: list[str]) -> None:
    request = ListAISessions(sort_field=text, account_ids=items)
    assert jsv.read(jsv.write_pretty(request).encode()) == jsv.read(jsv.write(request))


@FEW
@given(TEXT)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadInput):
        jsv.read(text.encode())
    with suppress(BadInput):
        jsv.read_value(text)
