"""Lists in queries and bodies, and batches of requests."""

import pytest
from support.bound import members

from app.faces.evo.wire.binding import RequestParts, bind, bind_all
from app.faces.evo.wire.requests import ListAISessions, NewAISession

JSON_TYPE = b"application/json"


@pytest.mark.parametrize(
    "query",
    [
        [("accountIds", "a1,b")],
        [("accountIds", "[a1,b]")],
        [("AccountIds", "a1"), ("accountids", "b")],
        [("accountIds", '["a1",b]')],
    ],
    ids=["joined", "JSV", "repeated", "quoted"],
)
def test_lists_come_in_a_query(query: list[tuple[str, str]]) -> None:
    assert bind(ListAISessions, RequestParts(query=query)).account_ids == ["a1", "b"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/json", b'{"accountIds":["a1","b"],"page":1}'),
        (b"application/json", b'{"accountIds":"a1,b","page":"1"}'),
        (b"application/jsv", b"{accountIds:[a1,b],page:1}"),
        (
            b"application/xml",
            b"<ListAISessions><AccountIds><string>a1</string><string>b</string></AccountIds>"
            b"<Page>1</Page></ListAISessions>",
        ),
        (b"text/csv", b'AccountIds,Page\r\n"[a1,b]",1\r\n'),
    ],
)
def test_lists_come_in_bodies(content_type: bytes, body: bytes) -> None:
    request = bind(ListAISessions, RequestParts(body=body, content_type=content_type))
    assert members(request) == {"account_ids": ["a1", "b"], "page": 1}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/json", b'[{"purpose":"1"},{"PURPOSE":"2"}]'),
        (
            b"application/xml",
            b"<ArrayOfNewAISession><NewAISession><Purpose>1</Purpose></NewAISession>"
            b"<NewAISession><Purpose>2</Purpose></NewAISession></ArrayOfNewAISession>",
        ),
        (b"application/jsv", b"[{purpose:1},{purpose:2}]"),
        (b"text/csv", b"Purpose\r\n1\r\n2\r\n"),
    ],
)
def test_a_batch_holds_several(content_type: bytes, body: bytes) -> None:
    requests = bind_all(
        NewAISession, RequestParts(body=body, content_type=content_type, handler=None)
    )
    assert [request.purpose for request in requests] == ["1", "2"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON_TYPE, b'{"purpose":"1"}'),
        (
            b"application/xml",
            b"<ArrayOfNewAISession><NewAISession><Purpose>1</Purpose></NewAISession>"
            b"</ArrayOfNewAISession>",
        ),
        (b"text/csv", b"Purpose\r\n1\r\n"),
    ],
)
def test_a_batch_may_hold_one(content_type: bytes, body: bytes) -> None:
    requests = bind_all(NewAISession, RequestParts(body=body, content_type=content_type))
    assert [request.purpose for request in requests] == ["1"]


@pytest.mark.parametrize("body", [b"", b"[]"])
def test_a_batch_may_be_empty(body: bytes) -> None:
    assert bind_all(NewAISession, RequestParts(body=body, content_type=JSON_TYPE)) == []
