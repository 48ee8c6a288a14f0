from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import PUT_CHAT_SESSION as DOCUMENTED

from app.codecs.formats import XML, UnknownType
from app.codecs.json_text import BadInput
from app.faces.superoffice.wire.answer import RenderOptions, write_entity
from app.faces.superoffice.wire.entity import read_entity, refuse_another_id
from app.faces.superoffice.wire.message import read_message
from app.faces.superoffice.wire.patch import patched
from domain.chat.carriers import Address, Associate, Contact, LocalizedField, Sale
from domain.chat.enums import (
    AssociateType,
    ChatMessageType,
    ChatSessionFlags,
    ChatSessionStatus,
)
from domain.chat.message import ChatMessage
from domain.chat.session import ChatSession, ChatSessionFields
from domain.date_time import EMPTY, DateTime
from domain.ids import ChatSessionId


def read(text: str) -> ChatSessionFields:
    return read_entity(text.encode())


def test_names_count_in_any_case() -> None:
    entity = msgspec.json.decode(DOCUMENTED)
    camel = {name[0].lower() + name[1:]: value for name, value in entity.items()}
    upper = {name.upper(): value for name, value in entity.items()}
    expected = read_entity(DOCUMENTED)
    assert read_entity(msgspec.json.encode(camel)) == expected
    assert read_entity(msgspec.json.encode(upper)) == expected


THREES = {"topic_id": 3, "rank": 3, "rating": 3}
CLOSED = {
    "status": ChatSessionStatus.CLOSED_FROM_QUEUE,
    "flags": ChatSessionFlags.USER_IS_TYPING,
}
AGENT = Associate(type=AssociateType.SYSTEM_ASSOCIATE, person_id=7, name="7")
SALE = Sale(amount=1.5, sale_date=DateTime("2018-12-24T12:34:45+01:00"))
UNDUE = Sale(next_due_date=EMPTY)


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
        ('{"TopicId": "3", "Rank": 3.0, "Rating": "+3.00"}', THREES),
        ('{"TopicId": 3, "Rank": 0.3e1, "Rating": " 3 "}', THREES),
        ('{"CustomerPhone": 4712345678}', {"customer_phone": "4712345678"}),
        ('{"CustomerPhone": 47.10}', {"customer_phone": "47.10"}),
        ('{"CustomerConsented": "true"}', {"customer_consented": True}),
        ('{"CustomerConsented": "FALSE", "ChatbotIsActive": 1}', {"chatbot_is_active": True}),
        ('{"Status": "11", "Flags": 1.0}', CLOSED),
        ('{"user": {"type": "5", "personId": "7", "name": 7}}', {"user": AGENT}),
        ('{"user": {"extraFields": {"a": 5}}}', {"user": Associate(extra_fields={"a": "5"})}),
        ('{"sale": {"amount": "1.5e0", "saleDate": "2018-12-24 12:34:45+0100"}}', {"sale": SALE}),
        ('{"WhenIdle": "0001-01-01T04:56:02.000Z"}', {}),
        ('{"sale": {"nextDueDate": "0000-12-31T23:06:32.000Z"}}', {"sale": UNDUE}),
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
        (b'{"rank": ""}', "Rank", "Expected `int`, got `str`"),
        (b'{"rank": "1 0"}', "Rank", "Expected a whole number"),
        (b'{"rank": "2.5"}', "Rank", "Expected a whole number"),
        (b'{"rank": "2147483648"}', "Rank", "<= 2147483647"),
        (b'{"rank": 2147483648.0}', "Rank", "<= 2147483647"),
        (b'{"CustomerName": true}', "CustomerName", "Expected `str | null`, got `bool`"),
        (b'{"CustomerName": 1e999}', "CustomerName", "out of range"),
        (b'{"rank": true}', "Rank", "Expected `int`, got `bool`"),
        (b'{"sale": {"amount": "1,5"}}', "Sale.Amount", "Expected a number"),
        (b'{"rank": 1.5}', "Rank", "Expected a whole number"),
        (b'{"rank": 1e400}', "Rank", "out of range"),
        (b'{"sale": {"amount": -1e400}}', "Sale.Amount", "out of range"),
        (b'{"sale": {"amount": 1%s}}' % (b"0" * 400), "Sale.Amount", "out of range"),
        (b'{"chatbotIsActive": 2}', "ChatbotIsActive", "Expected true or false"),
        (b'{"status": "Pending"}', "Status", "Expected one of Invalid, PreChatForm"),
        (b'{"status": 12}', "Status", "ClosedFromQueue, or its number"),
        (b'{"status": true}', "Status", "Expected one of"),
        (b'{"flags": 2}', "Flags", "CustomerIsTyping, UserIsTyping, or its number"),
        (b'{"flags": "UserIsTyping,"}', "Flags", "Expected one of"),
        (b'{"ticket": {"origin": "Pigeon"}}', "Ticket.Origin", "Expected one of"),
        (b'{"whenIdle": "yesterday"}', "WhenIdle", "Expected a date-time such as"),
        (b'{"WhenIdle": "2023-02-29T00:00:00"}', "WhenIdle", "not a day of the calendar"),
        (b'{"WhenIdle": 5}', "WhenIdle", "Expected a date-time"),
        (b'{"Ticket": {"CreatedAt": ""}}', "Ticket.CreatedAt", "Expected a date-time"),
        (b'{"project": 5}', "Project", "Expected `object | null`, got `int`"),
        (b'{"status": 1, "Status": 1}', "Status", "given twice"),
        (b'{"contact": {"name": null, "NAME": null}}', "Contact.Name", "given twice"),
        (b'{"user": {"extraFields": {"a": []}}}', "User.ExtraFields", "Expected `str | null`"),
        (
            b'{"contact": {"address": {"localizedAddress": [[{"name": {}}]]}}}',
            "Contact.Address.LocalizedAddress.Name",
            "Expected `str | null`",
        ),
        (b'{"CustomerName": "\\u0000"}', "CustomerName", "NUL"),
        (b'{"CustomerName": "\xff"}', None, "Malformed JSON"),
        (b'{"customerName": "\\ud800"}', "customerName", "surrogate"),
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


XML_ENTITY = b"""<ChatSessionEntity>
  <ChatSessionId>446</ChatSessionId><topicid> 918 </topicid><CustomerName></CustomerName>
  <CustomerConsented>TRUE</CustomerConsented><Status>inqueue</Status><Flags>1</Flags>
  <Rating></Rating><WhenIdle/><Unknown><Deep>1</Deep></Unknown><Contact/>
  <User><CustomFields><KeyValueOfstringstring><Key>x:Y</Key><Value>1</Value>
    </KeyValueOfstringstring></CustomFields><Type>5</Type></User>
  <Sale><Amount>12.50</Amount><Probability/></Sale>
</ChatSessionEntity>"""


def test_texts_of_xml_become_what_the_members_are() -> None:
    assert read_entity(XML_ENTITY, b"application/xml; charset=utf-8") == ChatSessionFields(
        chat_session_id=ChatSessionId(446),
        topic_id=918,
        customer_name="",
        customer_consented=True,
        status=ChatSessionStatus.IN_QUEUE,
        flags=ChatSessionFlags.USER_IS_TYPING,
        contact=Contact(),
        user=Associate(custom_fields={"x:Y": "1"}, type=AssociateType.SYSTEM_ASSOCIATE),
        sale=Sale(amount=12.5, probability=None),
    )


@pytest.mark.parametrize(
    "form",
    [
        b"customername=A+B&Rank=-3&ChatbotIsActive=1&Contact.ContactId=5&Contact.Name=&Status=4",
        b"CustomerName=A%20B&rank=-3&chatbotisactive=true&contact%5BcontactId%5D=5"
        b"&contact[name]=&status=InQueue&Rating=&contact.x=y&",
    ],
    ids=["dots", "brackets"],
)
def test_a_form_names_the_members_of_carriers_by_dots_or_brackets(form: bytes) -> None:
    found = read_entity(form, b"application/x-www-form-urlencoded")
    assert found.customer_name == "A B"
    assert (found.rank, found.chatbot_is_active) == (-3, True)
    assert found.contact == Contact(contact_id=5, name="")
    assert found.status is ChatSessionStatus.IN_QUEUE


def test_a_form_numbers_the_items_of_a_list() -> None:
    form = b"Contact.Address.LocalizedAddress[0][0].Name=a"
    found = read_entity(form, b"application/x-www-form-urlencoded").contact
    assert found == Contact(address=Address(localized_address=((LocalizedField(name="a"),),)))


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"application/json",
        b"TEXT/JSON;charset=utf-8",
        b"application/json-patch+json",
        b"application/merge-patch+json",
        b"application/x-www-form-urlencoded",
    ],
)
def test_json_is_read_under_each_of_its_media_types(content_type: bytes | None) -> None:
    assert read_entity(b' {"Rank": 2}', content_type) == ChatSessionFields(rank=2)


def test_a_media_type_that_is_not_documented_is_refused() -> None:
    with pytest.raises(UnknownType):
        read_entity(b"{}", b"application/yaml")


@pytest.mark.parametrize(
    ("body", "content_type", "field", "message"),
    [
        (b"<foo><Rank>1</Rank></foo>", b"text/xml", None, "root element"),
        (b"<ChatSessionEntity>text</ChatSessionEntity>", b"text/xml", None, "has a text"),
        (b"<ChatSessionEntity><Rank>x</Rank></ChatSessionEntity>", b"text/xml", "Rank", "whole"),
        (
            b"<ChatSessionEntity><Rank>1</Rank><Rank>2</Rank></ChatSessionEntity>",
            b"text/xml",
            "Rank",
            "got `array`",
        ),
        (
            b"<ChatSessionEntity><Contact>x</Contact></ChatSessionEntity>",
            b"text/xml",
            "Contact",
            "object",
        ),
        (b"<!DOCTYPE a><ChatSessionEntity/>", b"text/xml", None, "not allowed"),
        (b"<a", b"application/xml", None, "Malformed XML"),
        (b"Rank=99999999999", b"form", "Rank", "2147483647"),
        (b"Sale.Amount=1e999", b"form", "Sale.Amount", "out of range"),
        (b"Sale.Amount=nan", b"form", "Sale.Amount", "a number"),
        (b"CustomerConsented=perhaps", b"form", "CustomerConsented", "true or false"),
        (b"Status=Pending", b"form", "Status", "Expected one of"),
        (b"WhenIdle=soon", b"form", "WhenIdle", "date-time"),
        (b"Contact=1&Contact.Name=x", b"form", "Contact", "a value and members"),
        (b"Contact.Name=x&Contact=1", b"form", "Contact", "a value and members"),
        (b"Contact=&Contact.Name=x", b"form", "Contact", "a value and members"),
        (b"CustomerName=%ff", b"form", None, "UTF-8"),
        (b"a." * 80 + b"b=1", b"form", None, "deeper than 64"),
        (
            b"User.CustomFields[KeyValueOfstringstring]=1",
            b"form",
            "User.CustomFields",
            "needs a Key",
        ),
        (b"Contact.Address.LocalizedAddress.x=1", b"form", "Contact.Address.LocalizedAddress", ""),
    ],
)
def test_what_is_wrong_in_xml_or_in_a_form_is_named(
    body: bytes, content_type: bytes, field: str | None, message: str
) -> None:
    named = b"application/x-www-form-urlencoded" if content_type == b"form" else content_type
    with pytest.raises(BadInput) as refusal:
        read_entity(body, named)
    assert refusal.value.field == field
    assert message in str(refusal.value)


@pytest.mark.parametrize("root", ["ChatSessionEntity", "chatsessionentitywithlinks"])
def test_an_xml_root_bears_the_name_of_the_entity(root: str) -> None:
    assert read_entity(f"<{root}/>".encode(), b"text/xml") == ChatSessionFields()


def test_a_nil_entity_is_none() -> None:
    body = b'<ChatSessionEntity xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    with pytest.raises(BadInput, match="not in request body"):
        read_entity(body, b"text/xml")


def test_an_entity_with_another_id_than_the_paths_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        refuse_another_id(read('{"ChatSessionId": 9}'), ChatSessionId(7))
    assert refusal.value.field == "ChatSessionId"


@pytest.mark.parametrize("number", [0, 7])
def test_an_entity_with_the_paths_id_or_none_is_not(number: int) -> None:
    refuse_another_id(ChatSessionFields(chat_session_id=ChatSessionId(number)), ChatSessionId(7))


def test_an_answer_in_xml_can_be_sent_back() -> None:
    address = Address(localized_address=((LocalizedField(name="a"),), (LocalizedField(),), ()))
    state = ChatSession(
        chat_session_id=ChatSessionId(446),
        contact=Contact(contact_id=5, name="<&>\r\n", address=address),
        user=Associate(custom_fields={"a b": "1", "c": "2"}),
        sale=Sale(amount=0.1),
    )
    written = write_entity(state, RenderOptions(format=XML), api_url="http://h/api/v1/")
    fields = {name: getattr(state, name) for name in ChatSessionFields.__struct_fields__}
    assert read_entity(written, b"application/xml") == ChatSessionFields(**fields)


def test_a_message_is_read_as_an_entity_is() -> None:
    body = b'{"message": "Hi", "type": 2, "specialType": "none", "whenPosted": null}'
    expected = ChatMessage(message="Hi", type=ChatMessageType.TO_USER)
    assert read_message(body) == expected
    xml = b"<ChatMessage><Message>Hi</Message><Type>ToUser</Type></ChatMessage>"
    assert read_message(xml, b"text/xml") == expected


# What XML can hold; a line's end comes back as it was, since it is escaped.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]) | st.just("\r"), max_size=9)


@settings(max_examples=30, deadline=None)
@given(TEXT | st.none(), TEXT, st.booleans(), st.sampled_from(ChatSessionStatus), st.floats(-9, 9))
def test_whatever_xml_says_it_says_back(
    name: str | None, alias: str, consented: bool, status: ChatSessionStatus, amount: float
) -> None:
    state = ChatSessionFields(
        customer_name=name,
        customer_alias=alias,
        customer_consented=consented,
        status=status,
        sale=Sale(amount=amount, title=alias),
    )
    assert read_entity(write_entity(state, RenderOptions(format=XML)), b"text/xml") == state


NAMES = st.sampled_from(["Rank", "status", "CONTACT", "Contact", "Name", "WhenIdle", "User", "0"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
TREES = st.recursive(
    SCALARS, lambda below: st.lists(below) | st.dictionaries(NAMES, below), max_leaves=6
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, TREES))
def test_whatever_is_sent_is_read_or_refused(tree: dict[str, Any]) -> None:
    state = ChatSessionFields(contact=Contact(contact_id=5))
    for take in (read_entity, partial(patched, state)):
        with suppress(BadInput):
            written = write_entity(take(msgspec.json.encode(tree)), RenderOptions())
            assert msgspec.json.decode(written)["ChatSessionId"] == 0
