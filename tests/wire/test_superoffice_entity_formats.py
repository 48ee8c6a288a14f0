"""Chat sessions and messages as XML and forms say them, and what is wrong in these."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.codecs.formats import XML
from app.codecs.json_text import BadInput
from app.faces.superoffice.wire.answer import RenderOptions, write_entity
from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.message import read_message
from domain.chat.carriers import Address, Associate, Contact, LocalizedField, Sale
from domain.chat.enums import AssociateType, ChatMessageType, ChatSessionFlags, ChatSessionStatus
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.chat.session import ChatSession
from domain.ids import ChatSessionId

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
