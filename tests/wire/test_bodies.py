import pytest

from app.codecs.formats import JSON, JSON_LINES, XML, Format
from app.codecs.json_text import BadInput
from app.codecs.limits import MAX_REQUESTS
from app.codecs.value import Tree
from app.faces.evo.wire import bodies
from app.faces.evo.wire.binding import BadItem, RequestParts, bind, bind_all
from app.faces.evo.wire.requests import NewAISession

FORM_TYPE = b"application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("format_", "body", "tree"),
    [
        (XML, b"<X><A>1</A></X>", {"A": "1"}),
        (XML, b'<x xmlns="any"/>', {}),
        (XML, b"<ArrayOfX/>", []),
        (XML, b"<ArrayOfX><X><A>1</A></X></ArrayOfX>", [{"A": "1"}]),
        (XML, b"<ArrayOfX><X/><X><A>1</A></X></ArrayOfX>", [{}, {"A": "1"}]),
        (JSON_LINES, b'{"a":1}', {"a": 1}),
        (JSON_LINES, b'{"a":1}\n\n {"a":2} \r\n', [{"a": 1}, {"a": 2}]),
        (JSON_LINES, b'{\n"a":\n1}', {"a": 1}),
        (JSON_LINES, b'[\n{"a":1}\n]', [{"a": 1}]),
    ],
)
def test_a_body_holds_a_request_or_several(format_: Format, body: bytes, tree: Tree) -> None:
    assert bodies.read(format_, "X", body) == tree


@pytest.mark.parametrize(
    ("format_", "body"),
    [
        (XML, b"<Y/>"),
        (XML, b"<ArrayOfY/>"),
        (XML, b"<ArrayOfX><Y/></ArrayOfX>"),
        (XML, b"<ArrayOfX><X/><Y/></ArrayOfX>"),
        (XML, b"<ArrayOfX>text</ArrayOfX>"),
        (JSON_LINES, b'{"a":1}\n{"a":'),
        (JSON_LINES, b'{"a":1}\n{"a":}'),
        (JSON_LINES, b'{"a":1}\n2'),
    ],
)
def test_what_is_no_request_is_malformed(format_: Format, body: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        bodies.read(format_, "X", body)
    assert refused.value.code == "SerializationException"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/xml", b'{"purpose":"p"}'),
        (b"image/png", b'{"purpose":"p"}'),
        (b"application/xml", b"<NewAISession><Purpose>p</Purpose></NewAISession>"),
        (FORM_TYPE, b"purpose=p"),
        (b"text/jsv", b"{purpose:p}"),
    ],
)
def test_a_route_for_json_reads_what_is_there(content_type: bytes, body: bytes) -> None:
    for handler in (JSON, JSON_LINES):
        sent = RequestParts(body=body, content_type=content_type, handler=handler)
        assert bind(NewAISession, sent).purpose == "p"


def test_a_batch_says_which_request_is_wrong() -> None:
    with pytest.raises(BadItem) as refused:
        bind_all(NewAISession, RequestParts(body=b'[{},{"purpose":5}]', handler=JSON))
    assert (refused.value.index, refused.value.field) == (1, "purpose")
    assert refused.value.code == "ValidationException"


def test_a_batch_is_bounded_before_its_requests_are_looked_at() -> None:
    body = b"[5" + b",5" * MAX_REQUESTS + b"]"
    with pytest.raises(BadInput) as refused:
        bind_all(NewAISession, RequestParts(body=body, handler=JSON))
    assert not isinstance(refused.value, BadItem)
