"""Given a chat session's past, when it is made, updated or deleted, then this happened."""

from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import replace
from support.chat_pasts import CREATED, DELETED, NOON, S7, state_after

from domain.chat.carriers import Associate, Contact
from domain.chat.enums import ChatSessionStatus
from domain.chat.events import (
    ChatSessionCreated,
    ChatSessionEvent,
    ChatSessionRated,
    ChatSessionUpdated,
)
from domain.chat.fields import ChatSessionFields
from domain.chat.session import (
    CHANGEABLE,
    ChatSession,
    Command,
    DeleteChatSession,
    NewChatSession,
    UpdateChatSession,
    decide,
)
from domain.date_time import DateTime
from domain.errors import AlreadyExists, NotFound


def test_a_new_session_records_only_what_differs_from_the_default() -> None:
    command = NewChatSession(chat_session_id=S7, topic_id=0, customer_name="Kim", rating=3)
    assert decide(command, None) == [CREATED]
    assert msgspec.json.decode(msgspec.json.encode(CREATED)) == {
        "chat_session_id": 7,
        "customer_name": "Kim",
        "rating": 3,
    }


def test_a_new_session_may_hold_nothing_but_its_id() -> None:
    events = decide(NewChatSession(chat_session_id=S7), None)
    assert events == [ChatSessionCreated(chat_session_id=S7)]
    assert state_after(*events) == ChatSession(chat_session_id=S7)


@pytest.mark.parametrize("past", [[CREATED], [CREATED, DELETED]], ids=["there", "deleted"])
def test_a_taken_id_is_refused_for_ever(past: Sequence[ChatSessionEvent]) -> None:
    with pytest.raises(AlreadyExists, match="ChatSession 7 exists already"):
        decide(NewChatSession(chat_session_id=S7), state_after(*past))


def test_an_update_that_changes_nothing_adds_no_event() -> None:
    command = UpdateChatSession(chat_session_id=S7, customer_name="Kim", rating=3)
    assert decide(command, state_after(CREATED)) == []


def test_an_update_records_only_what_changed() -> None:
    command = UpdateChatSession(
        chat_session_id=S7, customer_name="Kim", rating=3, status=ChatSessionStatus.FAQ
    )
    events = decide(command, state_after(CREATED))
    assert events == [ChatSessionUpdated(status=ChatSessionStatus.FAQ)]


def test_an_update_takes_what_it_leaves_out_back_to_the_default() -> None:
    events = decide(UpdateChatSession(chat_session_id=S7), state_after(CREATED))
    assert events == [ChatSessionUpdated(customer_name=None), ChatSessionRated(rating=0)]
    assert state_after(CREATED, *events) == ChatSession(chat_session_id=S7)


def test_a_carrier_is_replaced_as_a_whole() -> None:
    before = ChatSessionCreated(chat_session_id=S7, contact=Contact(contact_id=1, name="A"))
    wanted = UpdateChatSession(chat_session_id=S7, contact=Contact(contact_id=1))
    assert decide(wanted, state_after(before)) == [
        ChatSessionUpdated(contact=Contact(contact_id=1))
    ]


def test_a_member_given_as_null_differs_from_one_not_given() -> None:
    before = ChatSessionCreated(chat_session_id=S7, contact=Contact(name=None))
    wanted = UpdateChatSession(chat_session_id=S7, contact=Contact())
    assert decide(wanted, state_after(before)) == [ChatSessionUpdated(contact=Contact())]


def test_dates_are_compared_as_text() -> None:
    before = ChatSessionCreated(chat_session_id=S7, when_ended=DateTime("2018-11-21T00:00:00Z"))
    same_instant = DateTime("2018-11-21T00:00:00.0Z")
    wanted = UpdateChatSession(chat_session_id=S7, when_ended=same_instant)
    assert decide(wanted, state_after(before)) == [ChatSessionUpdated(when_ended=same_instant)]


def test_a_deleted_session_holds_nothing_but_its_id() -> None:
    events = decide(DeleteChatSession(chat_session_id=S7), state_after(CREATED))
    assert events == [DELETED]
    assert state_after(CREATED, DELETED) == ChatSession(chat_session_id=S7, deleted=True)


@pytest.mark.parametrize("to", [None, Associate(associate_id=2), Associate(associate_id=3)])
def test_an_update_that_ends_a_session_says_to_whom_it_is_to_be_handed(
    to: Associate | None,
) -> None:
    past = replace(CREATED, transfer_to=Associate(associate_id=2), customer_name=None, rating=0)
    wanted = UpdateChatSession(
        chat_session_id=S7, status=ChatSessionStatus.CLOSED, when_ended=NOON, transfer_to=to
    )
    state = state_after(past, *decide(wanted, state_after(past)))
    assert state is not None
    assert (state.status, state.transfer_to) == (ChatSessionStatus.CLOSED, to)
    assert decide(wanted, state) == []


@pytest.mark.parametrize("past", [[], [CREATED, DELETED]], ids=["never there", "deleted"])
@pytest.mark.parametrize(
    "command",
    [UpdateChatSession(chat_session_id=S7), DeleteChatSession(chat_session_id=S7)],
    ids=["update", "delete"],
)
def test_a_session_that_is_not_there_is_not_found(
    command: Command, past: Sequence[ChatSessionEvent]
) -> None:
    with pytest.raises(NotFound, match="ChatSession 7 does not exist"):
        decide(command, state_after(*past))


def test_a_session_has_31_fields_and_all_but_the_id_can_change() -> None:
    fields = ChatSessionFields.__struct_fields__
    assert len(fields) == 31
    assert fields == ("chat_session_id", *CHANGEABLE)


def test_what_names_a_person_is_personal() -> None:
    impersonal = set(CHANGEABLE) - ChatSessionUpdated.personal
    assert ChatSessionUpdated.personal < set(CHANGEABLE)
    assert ChatSessionCreated.personal == ChatSessionUpdated.personal
    assert not {name for name in impersonal if name.startswith("customer_")} - {
        "customer_consented"
    }
