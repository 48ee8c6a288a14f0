"""What follows from the status of a chat session: its place in the queue, its end, its hosts."""

import pytest
from msgspec.structs import replace
from support.chat_pasts import CREATED, NOON, S7, state_after

from domain.chat.carriers import Associate
from domain.chat.enums import ChatSessionStatus
from domain.chat.events import (
    ChatSessionClosed,
    ChatSessionEvent,
    ChatSessionRated,
    ChatSessionUpdated,
)
from domain.chat.fields import ChatSessionFields
from domain.chat.session import (
    ENDED,
    NewChatSession,
    UpdateChatSession,
    adapted,
    decide,
)
from domain.date_time import EMPTY, DateTime

LATER = DateTime("2026-11-21T12:00:01")
KIM, PAT = Associate(associate_id=1), Associate(associate_id=2)


def test_a_rating_and_an_end_have_events_of_their_own() -> None:
    command = UpdateChatSession(
        chat_session_id=S7, rating=5, status=ChatSessionStatus.FINISHED, at=NOON
    )
    events = decide(command, state_after(CREATED))
    assert events == [
        ChatSessionUpdated(customer_name=None),
        ChatSessionRated(rating=5),
        ChatSessionClosed(status=ChatSessionStatus.FINISHED, reason="by_client", when_ended=NOON),
    ]


@pytest.mark.parametrize(
    "status",
    [status for status in ChatSessionStatus if status is not ChatSessionStatus.INVALID],
    ids=str,
)
def test_every_status_can_be_given_and_given_again(status: ChatSessionStatus) -> None:
    command = UpdateChatSession(chat_session_id=S7, status=status, at=NOON)
    state = state_after(CREATED, *decide(command, state_after(CREATED)))
    assert state is not None
    assert state.status is status
    later = UpdateChatSession(chat_session_id=S7, status=status, at=LATER)
    assert decide(later, state) == []


@pytest.mark.parametrize("kind", [NewChatSession, UpdateChatSession], ids=["new", "update"])
def test_who_comes_to_the_queue_waits_from_then_on_at_a_place(
    kind: type[NewChatSession | UpdateChatSession],
) -> None:
    command = kind(chat_session_id=S7, status=ChatSessionStatus.IN_QUEUE, at=NOON, queue_pos=4)
    past = [] if kind is NewChatSession else [CREATED]
    state = state_after(*past, *decide(command, state_after(*past)))
    assert state is not None
    assert (state.when_requested, state.initial_queue_pos) == (NOON, 4)


def test_an_empty_date_in_utc_is_as_empty_as_any() -> None:
    command = NewChatSession(
        chat_session_id=S7,
        status=ChatSessionStatus.IN_QUEUE,
        when_requested=DateTime("0001-01-01T00:00:00.000Z"),
        at=NOON,
    )
    state = state_after(*decide(command, None))
    assert state is not None
    assert state.when_requested == NOON


def test_what_the_client_says_of_queue_and_end_counts() -> None:
    queued = UpdateChatSession(
        chat_session_id=S7, status=ChatSessionStatus.IN_QUEUE, at=NOON, queue_pos=4,
        when_requested=LATER, initial_queue_pos=161,
    )  # fmt: skip
    state = state_after(CREATED, *decide(queued, state_after(CREATED)))
    assert state is not None
    assert (state.when_requested, state.initial_queue_pos) == (LATER, 161)
    ended = UpdateChatSession(
        chat_session_id=S7, status=ChatSessionStatus.CLOSED, at=NOON, when_ended=LATER
    )
    state = state_after(CREATED, *decide(ended, state_after(CREATED)))
    assert state is not None
    assert state.when_ended == LATER


def test_one_end_after_the_other_is_the_same_end() -> None:
    finished = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.FINISHED, at=NOON)
    state = state_after(CREATED, *decide(finished, state_after(CREATED)))
    closed = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.CLOSED, at=LATER)
    assert decide(closed, state) == [
        ChatSessionClosed(status=ChatSessionStatus.CLOSED, reason="by_client")
    ]


@pytest.mark.parametrize("status", [ChatSessionStatus.IN_QUEUE, ChatSessionStatus.USER_LAST])
def test_what_is_open_again_has_not_ended(status: ChatSessionStatus) -> None:
    held = ChatSessionFields(status=ChatSessionStatus.CLOSED, when_ended=NOON)
    opened = replace(held, status=status)
    assert adapted(opened, held) == replace(opened, when_ended=EMPTY)
    said = replace(opened, when_ended=LATER)
    assert adapted(said, held) == said


def test_what_stays_ended_or_open_keeps_its_end() -> None:
    closed = ChatSessionFields(status=ChatSessionStatus.CLOSED, when_ended=NOON)
    finished = replace(closed, status=ChatSessionStatus.FINISHED)
    waiting = replace(closed, status=ChatSessionStatus.IN_QUEUE)
    assert adapted(finished, closed) == finished
    assert adapted(waiting, waiting) == waiting


@pytest.mark.parametrize("status", sorted(ENDED), ids=str)
def test_what_ends_is_offered_to_nobody(status: ChatSessionStatus) -> None:
    held = ChatSessionFields(status=ChatSessionStatus.USER_LAST, transfer_to=KIM)
    ended = replace(held, status=status)
    assert adapted(ended, held) == replace(ended, transfer_to=None)
    said = replace(ended, transfer_to=PAT)
    assert adapted(said, held) == said
    assert adapted(ended, ended) == ended


def test_who_comes_back_to_the_queue_waits_anew() -> None:
    queued = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.IN_QUEUE, at=NOON)
    left = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.FAQ, at=NOON)
    past: list[ChatSessionEvent] = [CREATED]
    for command in (queued, left):
        past += decide(command, state_after(*past))
    again = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.IN_QUEUE, at=LATER)
    state = state_after(*past, *decide(again, state_after(*past)))
    assert state is not None
    assert state.when_requested == LATER
