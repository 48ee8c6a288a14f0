"""CSV as it is written: of one, of pages and lists, for spreadsheets."""

import pytest
from support.shown import NOON, NOON_IN_TEXT, session

from app.codecs import csv_text
from app.codecs.dto import Dto
from app.faces.evo.wire.dto import (
    AccountInfo,
    AISessionActionInfo,
    AISessionInfo,
    ErrorResponse,
    ListResponse,
    ResponseStatus,
    UserInfo,
)
from app.faces.evo.wire.requests import ListAISessions, PatchAISession, SortOrder

HEADER = (
    "AccountId,AccountName,Purpose,Id,DateCreated,DateLastModified,CreatedBy,LastModifiedBy\r\n"
)
ROW_END = f"s1,{NOON_IN_TEXT},{NOON_IN_TEXT},kim,lou"


def test_a_dto_is_a_header_and_a_row() -> None:
    one = session(account_id="a1", account_name="Acme", purpose='p, "q"')
    assert csv_text.write(one).decode() == (f'{HEADER}a1,Acme,"p, ""q""",{ROW_END}\r\n')


def test_a_page_and_a_list_are_a_row_an_item() -> None:
    rows = [session(purpose="a"), session(purpose="b")]
    text = f"{HEADER},,a,{ROW_END}\r\n,,b,{ROW_END}\r\n"
    page = ListResponse[AISessionInfo](items=rows, total_count=2, has_more_pages=False)
    assert csv_text.write(page, kind=AISessionInfo).decode() == text
    assert csv_text.write(rows).decode() == text


def test_an_empty_page_is_a_header_if_the_class_of_its_items_is_told() -> None:
    page = ListResponse[AISessionInfo](items=[], has_more_pages=False)
    assert csv_text.write(page, kind=AISessionInfo).decode() == HEADER
    assert csv_text.write(page) == b""
    assert csv_text.write([], kind=AccountInfo).startswith(b"Name,Id,DateCreated,")


def test_a_member_that_may_be_absent_has_a_column_if_one_row_has_it() -> None:
    action = AISessionActionInfo(date=NOON, id="1", function_name="f", can_be_applied=False)
    body = csv_text.write([session(), session(actions=[action])]).decode()
    assert body.splitlines() == [
        HEADER.strip().replace("Purpose,", "Purpose,Actions,"),
        f",,,,{ROW_END}",
        f',,,"[{{date:""{NOON_IN_TEXT}"",id:1,functionName:f,canBeApplied:False}}]",{ROW_END}',
    ]


def test_an_error_is_one_cell() -> None:
    status = ResponseStatus(error_code="NotFound", message="gone", errors=[])
    assert csv_text.write(ErrorResponse(response_status=status)) == (
        b'ResponseStatus\r\n"{errorCode:NotFound,message:gone,errors:[]}"\r\n'
    )


@pytest.mark.parametrize(
    ("value", "row"),
    [
        (UserInfo(is_authenticated=True, roles=["a,b", "c"], account_ids=[], account_names=[]),
         ',True,,"[""a,b"",c]","[]","[]"'),
        (ListAISessions(page=2, sort_order=SortOrder.ASCEND), "2,,,,,Ascend,,"),
    ],
    ids=["lists and booleans", "numbers and enumerations"],
)  # fmt: skip
def test_each_type_has_its_form(value: Dto, row: str) -> None:
    assert csv_text.write(value).decode().split("\r\n")[1] == row


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a,b", '"a,b"'),
        ('a"b', '"a""b"'),
        ("a\nb", '"a\nb"'),
        ("a\rb", '"a\rb"'),
        ("[a", '"[a"'),
        ("{a", '"{a"'),
        ("a[b{c]}", "a[b{c]}"),
        (" both ", " both "),
        ("a:b", "a:b"),
        ("=1+1", "=1+1"),
        ("", ""),
    ],
    ids=["comma", "quote", "line feed", "carriage return", "bracket in front", "brace in front",
         "brackets within", "spaces", "colon", "formula", "empty"],
)  # fmt: skip
def test_a_cell_is_quoted_only_where_it_must_be(text: str, cell: str) -> None:
    body = csv_text.write(PatchAISession(session_id="s", purpose=text))
    assert body.decode() == f"SessionId,Purpose\r\ns,{cell}\r\n"
    assert csv_text.read(body) == {"SessionId": "s", "Purpose": text or None}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\ta", "'\ta"),
        ("\ra", '"\'\ra"'),
        ("\na", '"\'\na"'),
        ("\uff1d1+1", "'\uff1d1+1"),
        ('=HYPERLINK("a","b")', '"\'=HYPERLINK(""a"",""b"")"'),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
    ],
    ids=[
        "equals",
        "plus",
        "minus",
        "at",
        "tab",
        "carriage return",
        "line feed",
        "wide",
        "quoted",
        "within",
        "guarded",
    ],
)
def test_a_cell_for_spreadsheets_is_no_formula(text: str, cell: str) -> None:
    body = csv_text.write(PatchAISession(session_id="s", purpose=text), safe=True)
    assert body.decode() == f"SessionId,Purpose\r\ns,{cell}\r\n"
