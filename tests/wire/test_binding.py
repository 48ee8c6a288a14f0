"""From path, query and body to a request of the ServiceStack-style face, or a named refusal."""

from typing import Any

import pytest
from support.bound import members

from app.codecs.formats import JSON, XML, UnknownType
from app.codecs.json_text import BadInput
from app.faces.evo.wire.binding import RequestParts, bind, bind_all
from app.faces.evo.wire.requests import (
    Authenticate,
    ListAccounts,
    ListAISessions,
    NewAISession,
    NewAISessionAction,
    PatchAISession,
    SortOrder,
)

JSON_TYPE = b"application/json"
FORM_TYPE = b"application/x-www-form-urlencoded"
PATH = {"sessionId": "s1"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/json", b'{"accountId":"a1","purpose":"p"}'),
        (b"application/json", b'{"ACCOUNTID":"a1","Purpose":"p","other":[1]}'),
        (b"text/json; charset=utf-8", b'{"accountId":"a1","purpose":"p"}'),
        (
            b"application/xml",
            b"<NewAISession><Purpose>p</Purpose><AccountId>a1</AccountId></NewAISession>",
        ),
        (b"text/jsv", b"{accountId:a1,purpose:p}"),
        (b"text/csv", b"AccountId,Purpose\r\na1,p\r\n"),
        (b"text/csv", b'{"accountId":"a1","purpose":"p"}'),
        (FORM_TYPE, b"accountid=a1&Purpose=p"),
        (FORM_TYPE, b'{"accountId":"a1","purpose":"p"}'),
        (None, b' {"accountId":"a1","purpose":"p"}'),
        (b"text/plain;charset=UTF-8", b'{"accountId":"a1","purpose":"p"}'),
        (
            b"multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="accountId"\r\n\r\na1\r\n'
            b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\np\r\n--b--\r\n',
        ),
    ],
)
def test_a_body_gives_the_same_request_in_every_format(
    content_type: bytes | None, body: bytes
) -> None:
    request = bind(NewAISession, RequestParts(body=body, content_type=content_type))
    assert members(request) == {"account_id": "a1", "purpose": "p"}


@pytest.mark.parametrize("body", [b"", b"  "])
def test_no_body_asks_for_nothing_in_particular(body: bytes) -> None:
    assert members(bind(NewAISession, RequestParts(body=body))) == {}


def test_null_in_json_is_no_body() -> None:
    sent = RequestParts(body=b" null ", content_type=JSON_TYPE, path=PATH)
    assert bind(PatchAISession, sent).session_id == "s1"


def test_a_body_of_no_known_type_is_refused() -> None:
    with pytest.raises(UnknownType):
        bind(NewAISession, RequestParts(body=b"\x00\x01", content_type=b"application/octet-stream"))


def test_a_predefined_route_reads_its_own_format_whatever_the_type_says() -> None:
    text = b'{"purpose":"p"}'
    sent = RequestParts(body=text, content_type=b"text/plain;charset=UTF-8", handler=JSON)
    assert bind(NewAISession, sent).purpose == "p"
    sent = RequestParts(
        body=b"<NewAISession><Purpose>p</Purpose></NewAISession>",
        content_type=JSON_TYPE,
        handler=XML,
    )
    assert bind(NewAISession, sent).purpose == "p"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"sessionId":"s1"}', b'{"SESSIONID":"s1"}', b'{"sessionId":null}'],
    ids=["none", "empty", "same", "same in another case", "null"],
)
def test_the_path_names_the_session(body: bytes) -> None:
    request = bind(PatchAISession, RequestParts(body=body, content_type=JSON_TYPE, path=PATH))
    assert request.session_id == "s1"


@pytest.mark.parametrize(
    "sent",
    [
        RequestParts(body=b'{"sessionId":"s2"}', content_type=JSON_TYPE, path=PATH),
        RequestParts(body=b'{"SESSIONid":"s2"}', content_type=JSON_TYPE, path=PATH),
        RequestParts(body=b"sessionId=s2", content_type=FORM_TYPE, path=PATH),
        RequestParts(query=[("SessionID", "s2")], path=PATH),
        RequestParts(query=[("sessionId", "s1"), ("sessionId", "s2")], path=PATH),
    ],
    ids=["body", "body in another case", "form", "query", "query twice"],
)
def test_nothing_may_contradict_the_path(sent: RequestParts) -> None:
    with pytest.raises(BadInput) as refused:
        bind(PatchAISession, sent)
    assert refused.value.field == "sessionId"


@pytest.mark.parametrize(
    ("handler", "purpose"), [(None, "query"), (JSON, "body")], ids=["REST", "predefined"]
)
def test_query_and_body_have_their_order(handler: Any, purpose: str) -> None:
    sent = RequestParts(
        body=b'{"purpose":"body"}',
        content_type=JSON_TYPE,
        handler=handler,
        query=[("Purpose", "query")],
    )
    assert bind(NewAISession, sent).purpose == purpose


@pytest.mark.parametrize(
    "body",
    [b'{"rememberMe":"true"}', b'{"RememberMe":"true"}', b'{"rememberMe":"True","x":1}'],
    ids=["as documented", "in another case", "beside an unknown one"],
)
def test_a_truth_value_may_be_in_quotes_however_its_member_is_written(body: bytes) -> None:
    assert bind(Authenticate, RequestParts(body=body, content_type=JSON_TYPE)).remember_me is True


@pytest.mark.parametrize("body", [b'{"rememberMe":"perhaps"}', b'{"RememberMe":"perhaps"}'])
def test_a_value_of_another_type_is_refused_by_its_name(body: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        bind(Authenticate, RequestParts(body=body, content_type=JSON_TYPE))
    assert (refused.value.field, refused.value.code) == ("rememberMe", "ValidationException")


def test_an_empty_filter_can_be_asked_for() -> None:
    sent = RequestParts(body=b'{"nameFilter":""}', content_type=JSON_TYPE, handler=JSON)
    assert bind(ListAccounts, sent).name_filter == ""


def test_an_empty_field_of_a_form_says_nothing() -> None:
    sent = RequestParts(body=b"accountId=&purpose=p", content_type=FORM_TYPE)
    assert members(bind(NewAISession, sent)) == {"purpose": "p"}


@pytest.mark.parametrize("value", ["on", "true", "1"])
def test_a_box_that_is_ticked_is_true(value: str) -> None:
    form = RequestParts(body=f"RememberMe={value}&userName=on".encode(), content_type=FORM_TYPE)
    request = bind(Authenticate, form)
    assert (request.remember_me, request.user_name) == (True, "on")
    assert bind(ListAISessions, RequestParts(query=[("ALL", value)])).all is True


@pytest.mark.parametrize("text", ["Descend", "descend", "DESCEND"])
def test_a_choice_may_be_in_any_case(text: str) -> None:
    request = bind(ListAISessions, RequestParts(query=[("sortOrder", text)]))
    assert request.sort_order is SortOrder.DESCEND


def test_an_empty_value_in_the_query_says_nothing() -> None:
    sent = RequestParts(body=b'{"purpose":"p"}', content_type=JSON_TYPE, query=[("purpose", "")])
    assert bind(NewAISession, sent).purpose == "p"


def test_a_query_is_text_and_becomes_what_a_member_is() -> None:
    query = [
        ("page", "2"),
        ("all", "True"),
        ("countPerPage", "10"),
        ("sortOrder", "Descend"),
        ("sortField", ""),
    ]
    assert members(bind(ListAISessions, RequestParts(query=query))) == {
        "page": 2,
        "all": True,
        "count_per_page": 10,
        "sort_order": SortOrder.DESCEND,
    }


@pytest.mark.parametrize(
    ("kind", "sent", "field"),
    [
        (NewAISession, RequestParts(body=b'{"purpose":5}', content_type=JSON_TYPE), "purpose"),
        (NewAISession, RequestParts(body=b'{"Purpose":5}', content_type=JSON_TYPE), "purpose"),
        (
            NewAISession,
            RequestParts(body=b'{"a":1,"purpose":"p","a":2}', content_type=JSON_TYPE),
            "a",
        ),
        (
            NewAISession,
            RequestParts(body=b'{"purpose":"p","Purpose":"q"}', content_type=JSON_TYPE),
            "purpose",
        ),
        (ListAISessions, RequestParts(query=[("page", "-1")]), "page"),
        (ListAISessions, RequestParts(query=[("page", "x")]), "page"),
        (ListAISessions, RequestParts(query=[("sortOrder", "Up")]), "sortOrder"),
        (
            NewAISessionAction,
            RequestParts(body=b'{"functionName":""}', content_type=JSON_TYPE),
            "functionName",
        ),
    ],
    ids=[
        "type", "type in another case", "twice", "twice in two cases", "range", "number",
        "choice", "too short",
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(kind: Any, sent: RequestParts, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        bind(kind, sent)
    assert refused.value.field == field


@pytest.mark.parametrize("body", [b"5", b'"text"', b"[1]", b"[[]]"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        bind(NewAISession, RequestParts(body=body, content_type=JSON_TYPE))
    with pytest.raises(BadInput):
        bind_all(NewAISession, RequestParts(body=body, content_type=JSON_TYPE))
