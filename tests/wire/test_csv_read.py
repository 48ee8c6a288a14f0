"""CSV as it is read: that of any spreadsheet, what is malformed, and what was written."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.patience import patient

from app.codecs import csv_text, jsv
from app.codecs.json_text import BadInput
from app.codecs.value import Tree
from app.faces.evo.wire.dto import UserInfo
from app.faces.evo.wire.requests import PatchAISession

TEXT = st.text(st.sampled_from("\",:{}[]\r\n\t ab\\=+-@'é\U0001f600"), max_size=12)
FEW = settings(max_examples=50, deadline=None)


def refusal(body: bytes) -> BadInput:
    with pytest.raises(BadInput) as refused:
        csv_text.read(body)
    return refused.value


def test_the_guard_against_formulas_stays_when_it_is_read() -> None:
    body = csv_text.write(PatchAISession(session_id="s", purpose="=1"), safe=True)
    assert csv_text.read(body) == {"SessionId": "s", "Purpose": "'=1"}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a,b\r\n1,2\r\n", {"a": "1", "b": "2"}),
        ("a,b\n1,2", {"a": "1", "b": "2"}),
        ("a,b\r1,2\r", {"a": "1", "b": "2"}),
        ("a\r\n1\r\n2\r\n", [{"a": "1"}, {"a": "2"}]),
        (' purpose ,"ACCOUNTID"\r\n x ,y', {"purpose": " x ", "ACCOUNTID": "y"}),
        ('a,b,c\r\n,"",', {"a": None, "b": "", "c": None}),
        ('a\r\n"x\r\n""y"",z"', {"a": 'x\r\n"y",z'}),
        ('a\r\nx"y', {"a": 'x"y'}),
        ('a\r\n"[b,c]"', {"a": "[b,c]"}),
        ("\r\na,b\r\n\r\n1,2\r\n\r\n", {"a": "1", "b": "2"}),
        ("a\r\né", {"a": "é"}),
    ],
    ids=["row", "line feeds", "carriage returns", "rows", "names as given", "null and empty",
         "quotes", "quote within", "list stays text", "blank lines", "beyond ASCII"],
)  # fmt: skip
def test_rows_are_read(text: str, tree: Tree) -> None:
    assert csv_text.read(text.encode()) == tree


AS_ONE_ROW = {
    "semicolons": "AccountId;Purpose\r\na1;p,q\r\n",
    "tabs": "AccountId\tPurpose\r\na1\tp,q\r\n",
    "spaces before quotes": 'AccountId, "Purpose"\r\na1, "p,q"\r\n',
    "quotes everywhere": '"AccountId","Purpose"\r\n"a1","p,q"',
    "quotes and semicolons": '"AccountId";"Purpose"\r\n"a1";"p,q"',
    "spaces around names": '  AccountId ;\tPurpose\t\r\na1;"p,q"',
    "Excel's line": "sep=;\r\nAccountId;Purpose\r\na1;p,q",
    "Excel's line for a tab": "sep=\t\r\nAccountId\tPurpose\r\na1\tp,q",
    "Excel's line in quotes": '"SEP=,"\nAccountId,Purpose\na1,"p,q"',
    "carriage returns": "AccountId;Purpose\ra1;p,q\r",
    "blank lines": "\r\n\r\nAccountId;Purpose\r\n\r\na1;p,q\r\n\r\n",
}


@pytest.mark.parametrize("text", AS_ONE_ROW.values(), ids=AS_ONE_ROW)
def test_what_spreadsheets_of_other_countries_write_is_read(text: str) -> None:
    assert csv_text.read(text.encode()) == {"AccountId": "a1", "Purpose": "p,q"}


def test_a_separator_is_looked_for_in_the_header_alone() -> None:
    assert csv_text.read(b"Purpose\r\na;b\tc") == {"Purpose": "a;b\tc"}
    assert csv_text.read(b"Purpose,Id\r\na;b,c;d") == {"Purpose": "a;b", "Id": "c;d"}
    assert csv_text.read(b"sep=;\r\nPurpose\r\na,b") == {"Purpose": "a,b"}
    assert csv_text.read(b'A\tB\r\n\t"x"') == {"A": None, "B": "x"}


def test_a_header_may_have_names_of_its_own() -> None:
    text = "Kim's choice,Betrag (€),Q&A: 100%,Purpose\r\n1,2,3,p"
    assert csv_text.read(text.encode()) == {
        "Kim's choice": "1", "Betrag (€)": "2", "Q&A: 100%": "3", "Purpose": "p"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("AccountId,Purpose;Note\r\na1,p;n", "'Purpose;Note'"),
        ('"AccountId;Purpose"\r\na1;p', "'AccountId;Purpose'"),
        ("AccountId;Purpose;\r\na1;p;", "column 3 of 3"),
        ("AccountId;Purpose\r\na1;p;x", "row 1 has 3 cells for 2 columns"),
        ("AccountId;Purpose\r\na1,p", "row 1 has 1 cells for 2 columns"),
        ('"AccountId" x,Purpose\r\na1,p', "'\"AccountId\" x,Purpose"),
        ("sep=|\r\nAccountId|Purpose\r\na1|p", "separated by '|'"),
        ("AccountId,'Purpose'\r\na1,'p'", "holds \"'\""),
        ("AccountId,Purpose|Note\r\na1,p|n", "holds '|'"),
        ("AccountId,\ufeffPurpose\r\na1,p", "holds '\\ufeff'"),
        ("AccountId,Pur\u200bpose\r\na1,p", "holds '\\u200b'"),
        ("AccountId;accountid\r\na;b", "'accountid'"),
    ],
    ids=["two separators", "one cell", "an end of rows", "a long row", "a short row",
         "text after quotes", "an unknown separator", "apostrophes", "a bar", "a second mark",
         "no width", "twice"],
)  # fmt: skip
def test_a_header_that_would_be_misread_is_named(text: str, named: str) -> None:
    assert named in str(refusal(text.encode()))


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        (b'{"purpose":"a"}', {"purpose": "a"}),
        (b' \r\n{"a":null,"b":[1]}', {"a": None, "b": [1]}),
        (b'[{"a":true},{}]', [{"a": True}, {}]),
    ],
    ids=["documented", "white space in front", "list"],
)
def test_json_sent_as_csv_is_read(body: bytes, tree: Tree) -> None:
    assert csv_text.read(body) == tree


MALFORMED = {
    "nothing": b"",
    "blank lines": b"\r\n\r\n",
    "no row": b"a,b\r\n",
    "no row and no end of line": b"a,b",
    "too many cells": b"a,b\r\n1,2,3",
    "too few cells": b"a,b\r\n1",
    "too few cells in the second row": b"a,b\r\n1,2\r\n3\r\n",
    "column without a name": b"a,\r\n1,2",
    "column with a blank name": b"a, \r\n1,2",
    "column twice": b"a,a\r\n1,2",
    "column twice in another case": b"purpose,PURPOSE\r\n1,2",
    "column twice but for spaces": b"a, a\r\n1,2",
    "quote not closed": b'a\r\n"1',
    "quote not closed in the header": b'"a\r\n1',
    "quote closed within": b'a\r\n"1"2',
    "space after a quote": b'a\r\n"1" ',
    "list without quotes": b"a\r\n[b,c]",
    "NUL": b"a\r\n\0",
    "no UTF-8": b"a\r\n\xff",
    "UTF-16": "a\r\n1".encode("utf-16"),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_refused(body: bytes) -> None:
    refused = refusal(body)
    assert str(refused).startswith("Malformed CSV: ")
    assert refused.code == "SerializationException"


def test_malformed_json_is_refused() -> None:
    assert str(refusal(b'{"a":')).startswith("Malformed JSON: ")
    assert refusal(b'{"a":1,"a":2}').field == "a"
    assert refusal(b"[" * 100_000).code == "SerializationException"


@pytest.mark.parametrize(
    "body",
    [b'a\r\n"' + b'""' * 50_000, b'a\r\n"' + b"\r\n" * 50_000, b"a" * 100_000,
     b"\r\n" * 20_000, b" " * 100_000, b'"' * 100_000, b'a;"",' * 20_000,
     b"a\r\n" + b" " * 100_000 + b'"'],
    ids=["quotes", "lines in quotes", "header", "blank lines", "white space", "only quotes",
         "quoted names", "spaces before a quote"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(body: bytes) -> None:
    started = time.process_time()
    refusal(body)
    assert time.process_time() - started < patient(0.5)


@FEW
@given(TEXT, TEXT, st.lists(TEXT, max_size=3))
def test_what_is_written_is_read_back(one: str, other: str, roles: list[str]) -> None:
    user = UserInfo(id=one, name=other, is_authenticated=True, roles=roles, account_ids=[],
                    account_names=[])  # fmt: skip
    tree = csv_text.read(csv_text.write(user))
    assert isinstance(tree, dict)
    listed = tree.pop("Roles")
    assert isinstance(listed, str)
    assert jsv.read_value(listed) == roles
    # An empty text and none at all look the same.
    assert tree == {"Id": one or None, "Name": other or None, "IsAuthenticated": "True",
                    "AccountIds": "[]", "AccountNames": "[]"}  # fmt: skip


@FEW
@given(st.lists(TEXT, min_size=2, max_size=4))
def test_rows_are_read_back(purposes: list[str]) -> None:
    rows = [PatchAISession(session_id="s", purpose=purpose) for purpose in purposes]
    assert csv_text.read(csv_text.write(rows)) == [
        {"SessionId": "s", "Purpose": purpose or None} for purpose in purposes
    ]


@FEW
@given(TEXT)
def test_a_guarded_cell_never_starts_a_formula(text: str) -> None:
    guarded = csv_text.write(PatchAISession(session_id="s", purpose=text), safe=True)
    tree = csv_text.read(guarded)
    assert isinstance(tree, dict)
    assert not str(tree["Purpose"]).startswith(("=", "+", "-", "@", "\t", "\r"))


@FEW
@given(TEXT)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadInput):
        csv_text.read(text.encode())
