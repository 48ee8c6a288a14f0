from typing import Any

import msgspec
import pytest
from documents import PUT_CHAT_SESSION as DOCUMENTED
from msgspec.structs import asdict

from app.wire.json_text import BadInput
from app.wire.superoffice import Selection, command, read_entity, write_entity, write_error
from domain.chat_carriers import Address, Associate, Contact, StructuredAddress
from domain.chat_enums import AddressType, AssociateType, ChatSessionFlags, ChatSessionStatus
from domain.chat_session import (
    ChatSession,
    ChatSessionFields,
    NewChatSession,
    UpdateChatSession,
    decide,
    evolve,
)
from domain.ids import ChatSessionId

CONTACT = Contact(
    contact_id=5,
    url="so.example",
    address=Address(street=StructuredAddress(atype_idx=AddressType.UNKNOWN, city="Oslo")),
)


def written(state: ChatSessionFields, select: str = "") -> dict[str, Any]:
    body = write_entity(
        state,
        self_url="https://h:443/api/v1/ChatSession/446/",
        archive_url="https://h:443/api/v1/ChatSession/",
        select=Selection.parse(select),
    )
    entity: dict[str, Any] = msgspec.json.decode(body)
    return entity


def read(text: str) -> ChatSessionFields:
    return read_entity(text.encode())


def test_the_documented_entity_comes_back_field_by_field_in_documented_order() -> None:
    wanted = command(NewChatSession, ChatSessionId(446), read_entity(DOCUMENTED))
    (created,) = decide(wanted, None)
    entity = written(evolve(None, created))
    sent = msgspec.json.decode(DOCUMENTED)
    assert {name: entity[name] for name in sent} == sent
    assert list(entity) == [*sent, "TableRight", "FieldProperties", "_Links"]


def test_an_entity_carries_its_rights_and_links() -> None:
    entity = written(ChatSession())
    assert entity["TableRight"] == {"Mask": "FULL", "Reason": ""}
    assert entity["_Links"] == {
        "Self": "https://h:443/api/v1/ChatSession/446/",
        "Archive": "https://h:443/api/v1/ChatSession/",
    }


@pytest.mark.parametrize(
    ("field", "net_type", "length"),
    [
        ("ChatSessionId", "System.Int32", 4),
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


def test_a_whole_answer_can_be_sent_back() -> None:
    state = ChatSession(chat_session_id=ChatSessionId(446), contact=CONTACT, rating=4)
    sent_back = read_entity(msgspec.json.encode(written(state)))
    assert asdict(sent_back) == {name: getattr(state, name) for name in asdict(sent_back)}


def test_an_empty_object_is_the_default_entity() -> None:
    entity = written(read("{}"))
    assert read("{}") == ChatSessionFields()
    assert entity["WhenIdle"] == "0001-01-01T00:00:00"
    assert (entity["Status"], entity["Flags"]) == ("Invalid", "CustomerIsTyping")


def test_the_id_in_the_path_wins_over_the_one_in_the_body() -> None:
    wanted = command(UpdateChatSession, ChatSessionId(7), read('{"ChatSessionId": 9, "Rank": 1}'))
    assert wanted == UpdateChatSession(chat_session_id=ChatSessionId(7), rank=1)


def test_names_count_in_any_case() -> None:
    entity = msgspec.json.decode(DOCUMENTED)
    camel = {name[0].lower() + name[1:]: value for name, value in entity.items()}
    upper = {name.upper(): value for name, value in entity.items()}
    expected = read_entity(DOCUMENTED)
    assert read_entity(msgspec.json.encode(camel)) == expected
    assert read_entity(msgspec.json.encode(upper)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"Status": "InQueue"}', {"status": ChatSessionStatus.IN_QUEUE}),
        ('{"Status": "inqueue"}', {"status": ChatSessionStatus.IN_QUEUE}),
        ('{"Status": 11}', {"status": ChatSessionStatus.CLOSED_FROM_QUEUE}),
        ('{"Flags": 1}', {"flags": ChatSessionFlags.USER_IS_TYPING}),
        (
            '{"Flags": "CustomerIsTyping,  userIsTyping"}',
            {"flags": ChatSessionFlags.USER_IS_TYPING},
        ),
        ('{"user": {"type": 5}}', {"user": Associate(type=AssociateType.SYSTEM_ASSOCIATE)}),
        ('{"user": {"deleted": null}}', {"user": Associate(deleted=None)}),
        (
            '{"user": {"customFields": {"x:Y": "z"}}}',
            {"user": Associate(custom_fields={"x:Y": "z"})},
        ),
        ('{"contact": {"URL": "u", "TableRight": null}}', {"contact": Contact(url="u")}),
        ('{"Rating": null, "Status": null, "WhenIdle": null}', {}),
        ('{"nobody": {"knows": 1e400}, "_links": {}, "tableRight": {"mask": 37}}', {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_clients_write_is_understood(text: str, expected: dict[str, Any]) -> None:
    assert read(text) == ChatSessionFields(**expected)


@pytest.mark.parametrize("body", [b"", b"  \r\n", b"null", b" null\n"])
def test_a_body_without_an_entity_is_told_so_in_documented_words(body: bytes) -> None:
    with pytest.raises(BadInput) as refusal:
        read_entity(body)
    assert str(refusal.value) == "Bad request. Entity to save is not in request body."


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b'{"CustomerAlias": "%s"}' % (b"x" * 65), "CustomerAlias", "length <= 64"),
        (b'{"customerPhone": "%s"}' % (b"x" * 33), "CustomerPhone", "length <= 32"),
        (b'{"lastMessage": "%s"}' % (b"x" * 1025), "LastMessage", "length <= 1024"),
        (b'{"contact": {"name": "%s"}}' % (b"x" * 4001), "Contact.Name", "length <= 4000"),
        (b'{"rank": 2147483648}', "Rank", "<= 2147483647"),
        (b'{"Rank": -2147483649}', "Rank", ">= -2147483648"),
        (b'{"rank": "1"}', "Rank", "Expected `int`, got `str`"),
        (b'{"rank": 1.5}', "Rank", "Expected `int`, got `float`"),
        (b'{"rank": 1e400}', "Rank", "out of range"),
        (b'{"sale": {"amount": -1e400}}', "Sale.Amount", "out of range"),
        (b'{"sale": {"amount": 1%s}}' % (b"0" * 400), "Sale.Amount", "out of range"),
        (b'{"chatbotIsActive": 1}', "ChatbotIsActive", "Expected `bool`"),
        (b'{"status": "Pending"}', "Status", "Expected one of Invalid, PreChatForm"),
        (b'{"status": 12}', "Status", "ClosedFromQueue, or its number"),
        (b'{"status": true}', "Status", "Expected one of"),
        (b'{"flags": 2}', "Flags", "CustomerIsTyping, UserIsTyping, or its number"),
        (b'{"flags": "UserIsTyping,"}', "Flags", "Expected one of"),
        (b'{"ticket": {"origin": "Pigeon"}}', "Ticket.Origin", "Expected one of"),
        (b'{"whenIdle": "yesterday"}', "WhenIdle", "Expected a date-time such as"),
        (b'{"WhenIdle": "2023-02-29T00:00:00"}', "WhenIdle", "not a day of the calendar"),
        (b'{"WhenIdle": 5}', "WhenIdle", "Expected `str`"),
        (b'{"Ticket": {"CreatedAt": ""}}', "Ticket.CreatedAt", "Expected a date-time"),
        (b'{"project": 5}', "Project", "Expected `object | null`, got `int`"),
        (b'{"status": 1, "Status": 1}', "Status", "given twice"),
        (b'{"contact": {"name": null, "NAME": null}}', "Contact.Name", "given twice"),
        (b'{"user": {"extraFields": {"a": 5}}}', "User.ExtraFields", "Expected `str | null`"),
        (
            b'{"contact": {"address": {"localizedAddress": [[{"name": 5}]]}}}',
            "Contact.Address.LocalizedAddress.Name",
            "Expected `str | null`",
        ),
        (b'{"CustomerName": "\\u0000"}', "CustomerName", "NUL"),
        (b'{"CustomerName": "\xff"}', None, "Malformed JSON"),
        (b'{"customerName": "\\ud800"}', None, "Malformed JSON"),
        (b'{"Rating": NaN}', None, "Malformed JSON"),
        (b'{"Rating": 1', None, "Malformed JSON"),
        (b'{"Rating": 1%s}' % (b"0" * 5000), None, "out of range"),
        (b"[" * 100_000, None, "deeper than 64"),
        (b'{"a": ' * 65 + b"1" + b"}" * 65, None, "deeper than 64"),
        (b"[]", None, "Expected `object`, got `array`"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
)
def test_what_cannot_be_an_entity_is_refused_and_its_field_named(
    body: bytes, field: str | None, message: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        read_entity(body)
    assert refusal.value.field == field
    assert message in str(refusal.value)


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
