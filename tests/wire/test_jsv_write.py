"""JSV as it is written, plainly and for people."""

import pytest
from support.documents import PATCH_IN_JSV
from support.shown import NOON, NOON_IN_TEXT, session

from app.codecs import jsv
from app.codecs.dto import Dto
from app.faces.evo.wire.dto import (
    AISessionActionInfo,
    AISessionInfo,
    ErrorResponse,
    ListResponse,
    ResponseError,
    ResponseStatus,
    UserInfo,
)
from app.faces.evo.wire.requests import ListAISessions, PatchAISession, SortOrder

SAMPLE = PATCH_IN_JSV.decode()


def written(value: Dto | list[Dto]) -> str:
    return jsv.write(value).decode()


@pytest.mark.parametrize(
    ("text", "on_the_wire"),
    [
        ('p, "q"', '"p, ""q"""'),
        ("a:b", '"a:b"'),
        ("2026-11-21T09:00:00Z", '"2026-11-21T09:00:00Z"'),
        ("l1\nl2", '"l1\nl2"'),
        ("l1\rl2", '"l1\rl2"'),
        ("{", '"{"'),
        ("}", '"}"'),
        ("[", '"["'),
        ("]", '"]"'),
        ('"', '""""'),
        ("", '""'),
        (" both ", " both "),
        ("back\\slash", "back\\slash"),
        ("null", "null"),
        ("déjà vu \U0001f600", "déjà vu \U0001f600"),
    ],
    ids=["comma and quotes", "colon", "date", "line feed", "carriage return", "open brace",
         "close brace", "open bracket", "close bracket", "quote", "empty", "spaces", "backslash",
         "null", "not ASCII"],
)  # fmt: skip
def test_a_text_is_quoted_only_where_it_must_be(text: str, on_the_wire: str) -> None:
    body = jsv.write(PatchAISession(purpose=text))
    assert body.decode() == f"{{purpose:{on_the_wire}}}"
    assert jsv.read(body) == {"purpose": text}


def test_members_stand_in_order_and_without_those_that_are_null_or_absent() -> None:
    when = f'"{NOON_IN_TEXT}"'
    assert written(session(account_id="a1", account_name="Acme", purpose='p, "q"')) == (
        '{accountId:a1,accountName:Acme,purpose:"p, ""q""",id:s1,'
        f"dateCreated:{when},dateLastModified:{when},createdBy:kim,lastModifiedBy:lou}}"
    )


def test_what_is_nested_stands_inline() -> None:
    action = AISessionActionInfo(date=NOON, id="1", function_name="f", can_be_applied=True)
    assert (
        f'actions:[{{date:"{NOON_IN_TEXT}",id:1,functionName:f,canBeApplied:True}}]'
    ) in written(session(actions=[action]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (UserInfo(is_authenticated=False, roles=["a,b", "c", ""], account_ids=[], account_names=[]),
         '{isAuthenticated:False,roles:["a,b",c,""],accountIds:[],accountNames:[]}'),
        (ListResponse[AISessionInfo](items=[], total_count=0, has_more_pages=True),
         "{items:[],totalCount:0,hasMorePages:True}"),
        (ListAISessions(sort_order=SortOrder.DESCEND), "{sortOrder:Descend}"),
        (PatchAISession(), "{}"),
        ([PatchAISession(purpose="a"), PatchAISession(purpose="b")], "[{purpose:a},{purpose:b}]"),
        ([], "[]"),
        (ErrorResponse(response_status=ResponseStatus(
            error_code="NotEmpty", message="no", errors=[ResponseError(
                error_code="NotEmpty", message="no", meta={"PropertyName": "x", "a:b": ""})])),
         "{responseStatus:{errorCode:NotEmpty,message:no,errors:"
         '[{errorCode:NotEmpty,message:no,meta:{PropertyName:x,"a:b":""}}]}}'),
    ],
    ids=["lists and booleans", "page", "enumeration", "nothing", "batch", "empty batch", "map"],
)  # fmt: skip
def test_each_type_has_its_form(value: Dto | list[Dto], text: str) -> None:
    assert written(value) == text


def test_a_type_that_no_dto_has_is_refused() -> None:
    with pytest.raises(TypeError, match="a complex"):
        jsv.to_text(1j)


def test_the_pretty_form_is_that_of_the_documents() -> None:
    assert jsv.write_pretty(PatchAISession(session_id="String", purpose="String")) == SAMPLE


def test_the_pretty_form_puts_what_is_nested_on_lines_of_its_own() -> None:
    page = ListResponse[Dto](items=[PatchAISession(purpose="a:b")], has_more_pages=False)
    assert jsv.write_pretty(page) == (
        '{\n\titems: \n\t[\n\t\t{\n\t\t\tpurpose: "a:b"\n\t\t}\n\t],\n\thasMorePages: False\n}'
    )
    assert jsv.write_pretty(ListResponse[Dto](items=[], has_more_pages=False)) == (
        "{\n\titems: [],\n\thasMorePages: False\n}"
    )
