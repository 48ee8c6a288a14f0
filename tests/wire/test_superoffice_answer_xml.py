"""An entity in XML: its root, nulls, empty texts, maps."""

import msgspec
from support.documents import PUT_CHAT_SESSION as DOCUMENTED
from support.written import API, xml_of

from app.codecs.formats import XML
from app.codecs.xml_text import read as read_xml
from app.faces.superoffice.wire.answer import RenderOptions, write_entity
from app.faces.superoffice.wire.entity import read_entity
from domain.chat.session import ChatSession


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
