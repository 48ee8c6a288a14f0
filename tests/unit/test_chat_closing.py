"""Given a session's past, when its customer fetches or has gone, then this happened."""

from functools import reduce

import pytest
from support.chat_actions import (
    ASKED,
    EARLY,
    LATE,
    MESSAGE,
    NOON,
    PICKED,
    QUEUED,
    S7,
    at,
    state_after,
)

from domain.chat.actions import CloseDeadChatSession, MarkFetched, decide
from domain.chat.enums import ChatMessageSpecialType, ChatSessionStatus
from domain.chat.events import (
    ChatMessageAdded,
    ChatSessionClosed,
    ChatSessionEvent,
    ChatSessionFetched,
    ChatSessionUpdated,
)
from domain.chat.evolve import evolve
from domain.errors import MessageOutOfOrder
from domain.ids import ChatMessageId

FETCHED = ChatSessionFetched(when_fetched=NOON)


def test_a_customer_who_fetches_is_marked_now_and_then() -> None:
    command = MarkFetched(chat_session_id=S7, at=NOON, unless_since=EARLY)
    assert decide(command, state_after(QUEUED)) == [FETCHED]
    marked = state_after(QUEUED, FETCHED)
    assert (marked.when_fetched, marked.watched) == (NOON, NOON)
    assert decide(command, marked) == []
    later = MarkFetched(chat_session_id=S7, at=LATE, unless_since=NOON)
    assert decide(later, marked) == [ChatSessionFetched(when_fetched=LATE)]
    assert decide(later, state_after(QUEUED, at(ChatSessionStatus.CLOSED))) == []


CLOSE = CloseDeadChatSession(
    chat_session_id=S7, message_id=ChatMessageId(5), at=LATE, unless_since=NOON
)


@pytest.mark.parametrize(
    ("past", "status"),
    [
        pytest.param([], "ClosedFromQueue", id="in the queue"),
        pytest.param([PICKED], "Closed", id="with an agent"),
        pytest.param([at(ChatSessionStatus.FAQ)], "Closed", id="before the queue"),
    ],
)
def test_a_session_is_closed_when_its_customer_has_gone(
    past: list[ChatSessionEvent], status: str
) -> None:
    state = state_after(QUEUED, *past, FETCHED)
    closed, message = decide(CLOSE, state)
    assert isinstance(closed, ChatSessionClosed)
    assert (closed.status, closed.reason, closed.when_ended) == (status, "customer_gone", LATE)
    assert isinstance(message, ChatMessageAdded)
    assert message.special_type is ChatMessageSpecialType.CLOSED_BY_IDLE
    assert decide(CLOSE, evolve(evolve(state, closed), message)) == []


def test_a_session_whose_customer_has_gone_is_offered_to_nobody() -> None:
    state = state_after(QUEUED, PICKED, ASKED, FETCHED)
    assert reduce(evolve, decide(CLOSE, state), state).transfer_to is None


@pytest.mark.parametrize(
    "past",
    [
        pytest.param([], id="was never seen"),
        pytest.param([ChatSessionUpdated(when_fetched=EARLY)], id="was seen by a client only"),
        pytest.param([ChatSessionFetched(when_fetched=LATE)], id="came back"),
    ],
)
def test_a_session_stays_open_whose_customer(past: list[ChatSessionEvent]) -> None:
    assert decide(CLOSE, state_after(QUEUED, *past)) == []


def test_a_closing_message_comes_after_all_before_it() -> None:
    state = state_after(QUEUED, FETCHED)
    state = reduce(evolve, decide(MESSAGE, state), state)
    with pytest.raises(MessageOutOfOrder):
        decide(CLOSE, state)
