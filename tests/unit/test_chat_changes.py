"""A change is decided on what is there, and brings the state to the command."""

from functools import reduce

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace
from support.changes import Made
from support.chat_pasts import CREATED, DELETED, NOON, S7, state_after

from domain.chat.carriers import Person
from domain.chat.enums import ChatSessionFlags, ChatSessionStatus
from domain.chat.events import ChatSessionUpdated
from domain.chat.evolve import evolve
from domain.chat.fields import ChatSessionFields
from domain.chat.session import (
    CHANGEABLE,
    ChangeChatSession,
    UpdateChatSession,
    decide,
)
from domain.date_time import DateTime
from domain.errors import NotFound
from domain.ids import ChatSessionId

texts = st.none() | st.text(max_size=3)
numbers = st.integers(-2, 2)
dates = st.sampled_from([DateTime("0001-01-01T00:00:00"), DateTime("2018-11-21T16:32:47.1492785Z")])
updates = st.builds(
    UpdateChatSession,
    chat_session_id=st.just(S7),
    topic_id=numbers,
    rank=numbers,
    customer_alias=texts,
    last_message=texts,
    customer_consented=st.booleans(),
    status=st.sampled_from(ChatSessionStatus),
    flags=st.sampled_from(ChatSessionFlags),
    when_idle=dates,
    person=st.none() | st.builds(Person, person_id=numbers, firstname=st.just(UNSET) | texts),
)


@settings(max_examples=25)
@given(st.lists(updates, max_size=3))
def test_what_was_decided_brings_the_state_to_the_command(
    commands: list[UpdateChatSession],
) -> None:
    state = state_after(CREATED)
    for command in commands:
        events = decide(command, state)
        stored = [
            msgspec.json.decode(msgspec.json.encode(event), type=type(event)) for event in events
        ]
        state = reduce(evolve, stored, state)
        assert state is not None
        assert {name: getattr(state, name) for name in CHANGEABLE} == {
            name: getattr(command, name) for name in CHANGEABLE
        }
        assert decide(command, state) == []


def test_a_change_is_made_of_what_is_there() -> None:
    def promoted(held: ChatSessionFields) -> ChatSessionFields:
        return replace(held, chat_session_id=ChatSessionId(8), alert_level=held.rating + 1)

    command = ChangeChatSession(chat_session_id=S7, asked=b"", change=Made(promoted), at=NOON)
    assert decide(command, state_after(CREATED)) == [ChatSessionUpdated(alert_level=4)]


def test_an_update_is_what_its_fields_make_of_what_is_there() -> None:
    def kept(held: ChatSessionFields) -> ChatSessionFields:
        return replace(held, alert_level=held.rating + 1, status=ChatSessionStatus.IN_QUEUE)

    command = UpdateChatSession(
        chat_session_id=S7, rating=9, change=Made(kept), at=NOON, queue_pos=5
    )
    (event,) = decide(command, state_after(CREATED))
    assert event == ChatSessionUpdated(
        alert_level=4,
        status=ChatSessionStatus.IN_QUEUE,
        when_requested=NOON,
        initial_queue_pos=5,
    )


def test_a_change_to_the_same_records_nothing() -> None:
    command = ChangeChatSession(chat_session_id=S7, asked=b"", change=Made(lambda held: held))
    assert decide(command, state_after(CREATED)) == []


def test_what_follows_from_a_status_follows_from_a_change_too() -> None:
    command = ChangeChatSession(
        chat_session_id=S7,
        asked=b"",
        change=Made(lambda held: replace(held, status=ChatSessionStatus.IN_QUEUE)),
        at=NOON,
        queue_pos=5,
    )
    (event,) = decide(command, state_after(CREATED))
    assert isinstance(event, ChatSessionUpdated)
    assert (event.when_requested, event.initial_queue_pos) == (NOON, 5)


def test_what_is_not_there_is_not_changed() -> None:
    command = ChangeChatSession(chat_session_id=S7, asked=b"", change=Made(lambda held: held))
    with pytest.raises(NotFound):
        decide(command, state_after(CREATED, DELETED))
