"""What a body says of a chat session, in JSON, and what is refused."""

from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import PUT_CHAT_SESSION as DOCUMENTED
from support.patches import patched_by

from app.codecs.formats import UnknownType
from app.codecs.json_text import BadInput
from app.faces.superoffice.wire.answer import RenderOptions, write_entity
from app.faces.superoffice.wire.entity import read_entity, refuse_another_id
from domain.chat.carriers import Associate, Contact, Sale
from domain.chat.enums import AssociateType, ChatSessionFlags, ChatSessionStatus
from domain.chat.fields import ChatSessionFields
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


def test_an_entity_with_another_id_than_the_paths_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        refuse_another_id(read('{"ChatSessionId": 9}'), ChatSessionId(7))
    assert refusal.value.field == "ChatSessionId"


@pytest.mark.parametrize("number", [0, 7])
def test_an_entity_with_the_paths_id_or_none_is_not(number: int) -> None:
    refuse_another_id(ChatSessionFields(chat_session_id=ChatSessionId(number)), ChatSessionId(7))


NAMES = st.sampled_from(["Rank", "status", "CONTACT", "Contact", "Name", "WhenIdle", "User", "0"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
TREES = st.recursive(
    SCALARS, lambda below: st.lists(below) | st.dictionaries(NAMES, below), max_leaves=6
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, TREES))
def test_whatever_is_sent_is_read_or_refused(tree: dict[str, Any]) -> None:
    state = ChatSessionFields(contact=Contact(contact_id=5))
    for take in (read_entity, partial(patched_by, state)):
        with suppress(BadInput):
            written = write_entity(take(msgspec.json.encode(tree)), RenderOptions())
            assert msgspec.json.decode(written)["ChatSessionId"] == 0
