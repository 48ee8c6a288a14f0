"""Of an entity, `$select` leaves what it names."""

from typing import Any

import pytest
from support.documents import PUT_CHAT_SESSION as DOCUMENTED
from support.written import CONTACT, written, xml_of

from app.faces.superoffice.wire.answer import RenderOptions
from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.selection import Selection
from domain.chat.carriers import Contact
from domain.chat.session import ChatSession


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


def test_select_is_honoured_in_xml() -> None:
    state = ChatSession(contact=CONTACT, rank=3)
    selection = Selection.parse("rank,contact/url,contact/address/street/city")
    text = xml_of(state, RenderOptions(select=selection))
    assert text == (
        "<ChatSessionEntity><Rank>3</Rank><Contact><URL>so.example</URL><Address><Street>"
        "<City>Oslo</City></Street></Address></Contact></ChatSessionEntity>"
    )
