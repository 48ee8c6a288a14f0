import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict, replace
from support.documents import PUT_CHAT_SESSION as DOCUMENTED

from app.codecs.formats import JSON, XML, Format
from app.codecs.xml_text import read as read_xml
from app.faces.superoffice.wire.answer import (
    RenderOptions,
    write_entities,
    write_entity,
    write_error,
    write_invalid_request,
    write_message,
    write_messages,
    write_null,
    write_page,
    write_text,
)
from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.selection import Selection
from domain.chat.carriers import Address, Associate, Contact, Person, StructuredAddress
from domain.chat.enums import AddressType, ChatMessageType
from domain.chat.message import ChatMessage
from domain.chat.session import ChatSession, ChatSessionFields
from domain.chat.ticket import Ticket
from domain.date_time import DateTime
from domain.ids import ChatMessageId, ChatSessionId

API = "https://h:443/api/v1/"
PLAINLY = RenderOptions()
CONTACT = Contact(
    contact_id=5,
    url="so.example",
    address=Address(street=StructuredAddress(atype_idx=AddressType.UNKNOWN, city="Oslo")),
)


def written(state: ChatSessionFields, select: str = "") -> dict[str, Any]:
    body = write_entity(state, RenderOptions(select=Selection.parse(select)), api_url=API)
    entity: dict[str, Any] = msgspec.json.decode(body)
    return entity


def read(text: str) -> ChatSessionFields:
    return read_entity(text.encode())


def test_the_documented_entity_comes_back_field_by_field_in_documented_order() -> None:
    entity = written(read_entity(DOCUMENTED))
    sent = msgspec.json.decode(DOCUMENTED)
    assert {name: entity[name] for name in sent} == sent
    assert list(entity) == [*sent, "TableRight", "FieldProperties", "_Links"]


def test_an_entity_carries_its_rights_and_links() -> None:
    entity = written(ChatSession(chat_session_id=ChatSessionId(446)))
    assert entity["TableRight"] == {"Mask": "FULL", "Reason": ""}
    assert entity["_Links"] == {
        "Self": "https://h:443/api/v1/ChatSession/446/",
        "Archive": "https://h:443/api/v1/ChatSession/",
    }


@pytest.mark.parametrize(
    ("field", "net_type", "length"),
    [
        ("TopicId", "System.Int32", 4),
        ("User", "SuperOffice.CRM.Services.Associate", 4),
        ("CustomerAlias", "System.String", 64),
        ("CustomerName", "System.String", 255),
        ("CustomerPhone", "System.String", 32),
        ("CustomerCompanyName", "System.String", 255),
        ("SessionKey", "System.String", 255),
        ("LastMessage", "System.String", 1024),
        ("CustomerConsented", "System.Boolean", 2),
        ("Status", "SuperOffice.Data.ChatSessionStatus", 2),
        ("WhenIdle", "System.DateTime", 16),
    ],
)
def test_field_properties_tell_type_and_length(field: str, net_type: str, length: int) -> None:
    properties = written(ChatSession())["FieldProperties"]
    assert len(properties) == 31
    assert properties[field] == {
        "FieldRight": {"Mask": "Update", "Reason": ""},
        "FieldType": net_type,
        "FieldLength": length,
    }


@pytest.mark.parametrize("format_", [JSON, XML], ids=["JSON", "XML"])
@pytest.mark.parametrize(
    ("may_change", "sees_key", "table", "rating", "key"),
    [
        (True, True, "FULL", "Update", "Update"),
        (True, False, "FULL", "Update", "None"),
        (False, True, "Select", "Read", "Read"),
        (False, False, "Select", "Read", "None"),
    ],
)
def test_rights_are_those_of_the_caller(
    format_: Format, may_change: bool, sees_key: bool, table: str, rating: str, key: str
) -> None:
    manner = RenderOptions(format=format_, may_change=may_change, show_session_key=sees_key)
    body = write_entity(ChatSession(chat_session_id=ChatSessionId(446)), manner).decode()
    if format_ is JSON:
        entity = msgspec.json.decode(body)
        fields = entity["FieldProperties"]
        told = {name: fields[name]["FieldRight"]["Mask"] for name in fields}
        assert entity["TableRight"]["Mask"] == table
    else:
        assert f"<TableRight><Mask>{table}</Mask>" in body
        told = dict(re.findall("<Key>([A-Za-z]+)</Key><Value><FieldRight><Mask>([A-Za-z]+)<", body))
    assert len(told) == 31
    shown = (told["Rating"], told["SessionKey"], told["ChatSessionId"])
    assert shown == (rating, key, "Read")


def test_who_looks_on_makes_no_entity() -> None:
    entity = msgspec.json.decode(write_entity(ChatSessionFields(), RenderOptions(may_change=False)))
    assert entity["TableRight"]["Mask"] == "Select"


def test_a_whole_answer_can_be_sent_back() -> None:
    state = ChatSession(chat_session_id=ChatSessionId(446), contact=CONTACT, rating=4)
    sent_back = read_entity(msgspec.json.encode(written(state)))
    assert asdict(sent_back) == {name: getattr(state, name) for name in asdict(sent_back)}


def test_an_empty_object_is_the_default_entity() -> None:
    entity = written(read_entity(b"{}"))
    assert read_entity(b"{}") == ChatSessionFields()
    assert entity["WhenIdle"] == "0001-01-01T00:00:00"
    assert (entity["Status"], entity["Flags"]) == ("Invalid", "CustomerIsTyping")


def test_a_carrier_shows_the_members_that_were_given_with_it() -> None:
    assert written(ChatSession(contact=CONTACT))["Contact"] == {
        "ContactId": 5,
        "URL": "so.example",
        "Address": {"Street": {"AtypeIdx": "Unknown", "City": "Oslo"}},
    }


def test_select_nulls_out_all_that_it_does_not_name() -> None:
    entity = written(read_entity(DOCUMENTED), "STATUS, customername ,Nonsense")
    assert {name for name, value in entity.items() if value is not None} == {
        "Status",
        "CustomerName",
    }
    assert len(entity) == 34


@pytest.mark.parametrize(
    ("select", "contact"),
    [
        ("contact", {"ContactId": 5, "URL": "so.example"}),
        ("contact/url", {"ContactId": None, "URL": "so.example"}),
        ("Contact/ContactId,contact/URL", {"ContactId": 5, "URL": "so.example"}),
        ("contact/url,contact", {"ContactId": 5, "URL": "so.example"}),
        ("contact,contact/url", {"ContactId": 5, "URL": "so.example"}),
        ("contact/name", {"ContactId": None, "URL": None}),
        ("rank", None),
    ],
)
def test_select_reaches_into_carriers(select: str, contact: dict[str, Any] | None) -> None:
    state = ChatSession(contact=Contact(contact_id=5, url="so.example"))
    assert written(state, select)["Contact"] == contact


def test_select_can_ask_for_rights_and_links() -> None:
    entity = written(ChatSession(), "tableright,fieldproperties,_links")
    assert entity["ChatSessionId"] is None
    assert entity["TableRight"] is not None
    assert entity["FieldProperties"] is not None
    assert entity["_Links"] is not None


@pytest.mark.parametrize("text", ["", " ", ",", "/", " / , "])
def test_a_select_without_names_asks_for_everything(text: str) -> None:
    assert Selection.parse(text) is None


def test_a_select_of_any_depth_is_harmless() -> None:
    assert (
        written(ChatSession(contact=CONTACT), "contact/" * 10_000)["Contact"]["ContactId"] is None
    )


def test_an_error_has_the_documented_members() -> None:
    body = write_error("SoNotFoundException", "ChatSession 7 does not exist")
    assert msgspec.json.decode(body) == {
        "Error": True,
        "ErrorType": "SoNotFoundException",
        "ErrorMessage": "ChatSession 7 does not exist",
        "ErrorSource": "Sessionary",
    }


def xml_of(state: ChatSessionFields, manner: RenderOptions = PLAINLY) -> str:
    return write_entity(state, replace(manner, format=XML)).decode()


def test_links_lead_to_the_carriers_that_have_a_number() -> None:
    state = ChatSession(
        chat_session_id=ChatSessionId(446),
        user=Associate(associate_id=7),
        person=Person(person_id=3),
        contact=Contact(name="nameless"),
        ticket=Ticket(ticket_id=0),
    )
    assert written(state)["_Links"] == {
        "Self": "https://h:443/api/v1/ChatSession/446/",
        "Person": "https://h:443/api/v1/Person/3/",
        "Archive": "https://h:443/api/v1/ChatSession/",
    }


def test_an_entity_that_is_not_stored_cannot_be_deleted_and_has_no_links() -> None:
    entity = msgspec.json.decode(write_entity(ChatSessionFields(), RenderOptions()))
    assert entity["TableRight"] == {"Mask": "URI", "Reason": ""}
    assert "_Links" not in entity


def test_a_session_key_can_be_kept_back() -> None:
    state = ChatSession(session_key="aliquam")
    shown = msgspec.json.decode(write_entity(state, RenderOptions()))
    hidden = msgspec.json.decode(write_entity(state, RenderOptions(show_session_key=False)))
    assert (shown["SessionKey"], hidden["SessionKey"]) == ("aliquam", None)
    assert "aliquam" not in xml_of(state, RenderOptions(show_session_key=False))


def test_an_entity_in_xml_has_its_name_as_root_and_no_null() -> None:
    text = xml_of(read_entity(DOCUMENTED))
    assert text.startswith("<ChatSessionEntity><ChatSessionId>446</ChatSessionId><TopicId>918")
    assert text.endswith("</FieldProperties></ChatSessionEntity>")
    root, tree = read_xml(text.encode())
    assert isinstance(tree, dict)
    sent = msgspec.json.decode(DOCUMENTED)
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in sent.items()
        if value is not None
    }
    assert (root, {name: tree[name] for name in texts}) == ("ChatSessionEntity", texts)
    assert sorted(tree.keys() - texts) == ["FieldProperties", "TableRight"]


def test_xml_has_an_empty_text_as_an_empty_element_and_escapes_the_rest() -> None:
    text = xml_of(ChatSession(customer_name="", customer_alias="<&>\0"))
    assert "<CustomerAlias>&lt;&amp;&gt;\ufffd</CustomerAlias><CustomerName></CustomerName>" in text


def test_maps_in_xml_are_pairs() -> None:
    links = write_entity(ChatSession(), RenderOptions(format=XML), api_url=API).decode()
    assert "<_Links><KeyValueOfstringstring><Key>Self</Key><Value>https://h:443/api" in links
    assert (
        "<KeyValueOfstringFieldProperty><Key>Rating</Key><Value><FieldRight><Mask>Update</Mask>"
        "<Reason></Reason></FieldRight><FieldType>System.Int32</FieldType>"
        "<FieldLength>4</FieldLength></Value></KeyValueOfstringFieldProperty>"
    ) in links


def test_select_is_honoured_in_xml() -> None:
    state = ChatSession(contact=CONTACT, rank=3)
    selection = Selection.parse("rank,contact/url,contact/address/street/city")
    text = xml_of(state, RenderOptions(select=selection))
    assert text == (
        "<ChatSessionEntity><Rank>3</Rank><Contact><URL>so.example</URL><Address><Street>"
        "<City>Oslo</City></Street></Address></Contact></ChatSessionEntity>"
    )


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
