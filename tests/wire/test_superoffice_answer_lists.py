"""Answers that are no single entity: lists, messages, single values, pages."""

from collections.abc import Callable

import msgspec
import pytest

from app.codecs.formats import JSON, XML, Format
from app.faces.superoffice.wire.answer import (
    RenderOptions,
    write_entities,
    write_error,
    write_invalid_request,
    write_message,
    write_messages,
    write_null,
    write_page,
    write_text,
)
from app.faces.superoffice.wire.selection import Selection
from domain.chat.enums import ChatMessageType
from domain.chat.message import ChatMessage
from domain.chat.session import ChatSession
from domain.date_time import DateTime
from domain.ids import ChatMessageId, ChatSessionId


def test_lists_of_entities_have_no_links() -> None:
    entities = msgspec.json.decode(write_entities([ChatSession(rank=1)], RenderOptions()))
    assert [entity["Rank"] for entity in entities] == [1]
    assert "_Links" not in entities[0]
    manner = RenderOptions(format=XML, select=Selection.parse("rank"))
    assert write_entities([ChatSession(rank=1), ChatSession()], manner) == (
        b"<ArrayOfChatSessionEntity><ChatSessionEntity><Rank>1</Rank></ChatSessionEntity>"
        b"<ChatSessionEntity><Rank>0</Rank></ChatSessionEntity></ArrayOfChatSessionEntity>"
    )
    assert write_entities([], manner) == b"<ArrayOfChatSessionEntity></ArrayOfChatSessionEntity>"


def test_a_message_has_its_documented_members() -> None:
    message = ChatMessage(
        chat_message_id=ChatMessageId(2),
        chat_session_id=ChatSessionId(446),
        type=ChatMessageType.TO_USER,
        message="Hi & bye",
        when_posted=DateTime("2026-11-21T10:00:00"),
    )
    assert msgspec.json.decode(write_message(message, RenderOptions())) == {
        "ChatMessageId": 2,
        "ChatSessionId": 446,
        "Type": "ToUser",
        "Message": "Hi & bye",
        "Author": None,
        "ReadByCustomer": 0,
        "SpecialType": "None",
        "SpecialParam": None,
        "WhenPosted": "2026-11-21T10:00:00",
    }
    inner = write_message(message, RenderOptions(format=XML))
    assert inner.startswith(b"<ChatMessage><ChatMessageId>2</ChatMessageId>")
    assert b"<Message>Hi &amp; bye</Message><ReadByCustomer>0</ReadByCustomer>" in inner
    several = write_messages([message], RenderOptions(format=XML))
    assert several == b"<ArrayOfChatMessage>" + inner + b"</ArrayOfChatMessage>"


@pytest.mark.parametrize(
    ("written", "json", "xml"),
    [
        (write_text, b'"a<b"', b"<string>a&lt;b</string>"),
        (
            lambda text, format_: write_invalid_request(text, format_),
            b'{"Message":"The request is invalid.","MessageDetail":"a<b"}',
            b"<Error><Message>The request is invalid.</Message>"
            b"<MessageDetail>a&lt;b</MessageDetail></Error>",
        ),
        (
            lambda _, format_: write_null(format_),
            b"null",
            b'<ChatSessionEntity xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
            b' i:nil="true"/>',
        ),
        (
            lambda text, format_: write_error("SoNotFoundException", text, format_),
            b'{"Error":true,"ErrorType":"SoNotFoundException","ErrorMessage":"a<b",'
            b'"ErrorSource":"Sessionary"}',
            b"<Error><Error>true</Error><ErrorType>SoNotFoundException</ErrorType>"
            b"<ErrorMessage>a&lt;b</ErrorMessage><ErrorSource>Sessionary</ErrorSource></Error>",
        ),
    ],
    ids=["text", "invalid request", "null", "error"],
)
def test_single_values_are_written_in_both_formats(
    written: Callable[[str, Format], bytes], json: bytes, xml: bytes
) -> None:
    assert written("a<b", JSON) == json
    assert written("a<b", XML) == xml


def test_a_page_of_a_list_has_its_metadata_and_the_link_to_the_next() -> None:
    rows = [{"PrimaryKey": "1", "chatTopic/name": "<a>", "rank": 2, "agent": None}]
    page = {"odata.metadata": "m", "odata.nextLink": None, "value": rows}
    assert write_page(page, JSON) == (
        b'{"odata.metadata":"m","odata.nextLink":null,"value":'
        b'[{"PrimaryKey":"1","chatTopic/name":"<a>","rank":2,"agent":null}]}'
    )
    pair = "<KeyValueOfstringanyType><Key>{}</Key>{}</KeyValueOfstringanyType>"
    assert write_page(page, XML).decode() == (
        "<ODataSlimResponse><odata.metadata>m</odata.metadata><value><Row>"
        + pair.format("PrimaryKey", "<Value>1</Value>")
        + pair.format("chatTopic/name", "<Value>&lt;a&gt;</Value>")
        + pair.format("rank", "<Value>2</Value>")
        + pair.format("agent", "")
        + "</Row></value></ODataSlimResponse>"
    )
