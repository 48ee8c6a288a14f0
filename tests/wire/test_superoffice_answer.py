"""An entity in JSON: its members, rights and links; and errors."""

import re

import msgspec
import pytest
from msgspec.structs import asdict
from support.documents import PUT_CHAT_SESSION as DOCUMENTED
from support.written import CONTACT, written

from app.codecs.formats import JSON, XML, Format
from app.faces.superoffice.wire.answer import RenderOptions, write_entity, write_error
from app.faces.superoffice.wire.entity import read_entity
from domain.chat.carriers import Associate, Contact, Person
from domain.chat.fields import ChatSessionFields
from domain.chat.session import ChatSession
from domain.chat.ticket import Ticket
from domain.ids import ChatSessionId


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


def test_an_error_has_the_documented_members() -> None:
    body = write_error("SoNotFoundException", "ChatSession 7 does not exist")
    assert msgspec.json.decode(body) == {
        "Error": True,
        "ErrorType": "SoNotFoundException",
        "ErrorMessage": "ChatSession 7 does not exist",
        "ErrorSource": "Sessionary",
    }


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
