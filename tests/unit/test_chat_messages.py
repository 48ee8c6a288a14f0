"""Given a session's past, when somebody says something, then this happened."""

from functools import reduce

import pytest
from msgspec.structs import replace
from support.chat_actions import MESSAGE, NOON, PICKED, QUEUED, at, state_after

from domain.chat.actions import decide
from domain.chat.enums import ChatMessageSpecialType, ChatMessageType, ChatSessionStatus
from domain.chat.events import ChatMessageAdded, ChatSessionClosed, ChatSessionEvent
from domain.chat.evolve import evolve
from domain.chat.session import ENDED, OPEN, ChatSession
from domain.date_time import EMPTY
from domain.errors import MessageOutOfOrder
from domain.ids import ChatMessageId


def said(
    by: ChatMessageType,
    status: ChatSessionStatus,
    special: ChatMessageSpecialType = ChatMessageSpecialType.NONE,
) -> ChatSession:
    """The session after a message in a status."""
    state = state_after(QUEUED, at(status))
    command = replace(MESSAGE, type=by, special_type=special, message="hi")
    return reduce(evolve, decide(command, state), state)


CUSTOMER, AGENT = ChatMessageType.TO_USER, ChatMessageType.TO_CUSTOMER
SPECIAL = ChatMessageType.SPECIAL


@pytest.mark.parametrize("status", sorted(OPEN), ids=str)
def test_the_last_word_decides_whose_turn_it_is(status: ChatSessionStatus) -> None:
    assert said(AGENT, status).status is ChatSessionStatus.USER_LAST
    waits = status is ChatSessionStatus.IN_QUEUE
    expected = status if waits else ChatSessionStatus.CUSTOMER_LAST
    assert said(CUSTOMER, status).status is expected
    assert said(SPECIAL, status, ChatMessageSpecialType.URL).status is status


@pytest.mark.parametrize("status", sorted(ENDED - {ChatSessionStatus.FINISHED}), ids=str)
@pytest.mark.parametrize("by", [CUSTOMER, AGENT], ids=str)
def test_no_message_opens_what_is_closed(by: ChatMessageType, status: ChatSessionStatus) -> None:
    assert said(by, status).status is status


def test_a_customer_reopens_what_was_finished() -> None:
    ended = ChatSessionClosed(
        status=ChatSessionStatus.FINISHED, reason="by_client", when_ended=NOON
    )
    state = state_after(QUEUED, PICKED, ended)
    (event,) = decide(replace(MESSAGE, type=CUSTOMER, message="one more"), state)
    assert isinstance(event, ChatMessageAdded)
    assert event.special_type is ChatMessageSpecialType.REOPENED_BY_CUSTOMER
    reopened = evolve(state, event)
    assert reopened.status is ChatSessionStatus.CUSTOMER_LAST
    assert reopened.when_ended == EMPTY
    assert said(AGENT, ChatSessionStatus.FINISHED).status is ChatSessionStatus.FINISHED


FINISHED = ChatSessionClosed(status=ChatSessionStatus.FINISHED, reason="by_client")


@pytest.mark.parametrize(
    ("past", "drawn", "rank"),
    [
        pytest.param([PICKED, FINISHED], 5, 5, id="the one drawn"),
        pytest.param([PICKED, FINISHED], 2, 2, id="the same"),
        pytest.param([PICKED, FINISHED], 0, 2, id="none was drawn"),
        pytest.param([FINISHED], 5, 0, id="nobody has it"),
        pytest.param([PICKED], 5, 2, id="it is open"),
    ],
)
def test_a_message_that_opens_a_session_again_gives_it_a_rank(
    past: list[ChatSessionEvent], drawn: int, rank: int
) -> None:
    state = state_after(QUEUED, *past)
    events = decide(replace(MESSAGE, type=CUSTOMER, rank=drawn), state)
    assert reduce(evolve, events, state).rank == rank
    assert len(events) == (2 if rank != state.rank else 1)


@pytest.mark.parametrize(
    ("special", "status"),
    [
        pytest.param(ChatMessageSpecialType.BOT_MESSAGE, "UserLast", id="a bot"),
        pytest.param(ChatMessageSpecialType.OPTIONS, "UserLast", id="a bot's question"),
        pytest.param(ChatMessageSpecialType.CLICKED_OPTION, "CustomerLast", id="its answer"),
    ],
)
def test_a_special_message_may_be_somebodys_word(
    special: ChatMessageSpecialType, status: str
) -> None:
    assert said(SPECIAL, ChatSessionStatus.INVALID, special).status == status


def test_first_and_last_message_are_copied_and_cut() -> None:
    state = state_after(QUEUED, PICKED)
    for number, text in enumerate(["first", None, "x" * 2_000], start=1):
        command = replace(MESSAGE, message_id=ChatMessageId(number), type=CUSTOMER, message=text)
        state = reduce(evolve, decide(command, state), state)
    assert (state.first_message, state.last_message) == ("first", "x" * 1_024)
    assert (state.when_idle, state.last_message_id) == (NOON, 3)


def test_what_nobody_says_is_no_last_message() -> None:
    state = state_after(QUEUED, PICKED)
    command = replace(MESSAGE, type=SPECIAL, message="SR_CLOSED")
    told = reduce(evolve, decide(command, state), state)
    assert told == replace(state, last_message_id=ChatMessageId(5))


@pytest.mark.parametrize("number", [4, 5])
def test_a_message_comes_after_all_before_it(number: int) -> None:
    state = state_after(QUEUED, PICKED)
    state = reduce(evolve, decide(MESSAGE, state), state)
    with pytest.raises(MessageOutOfOrder, match=f"ChatMessage {number}"):
        decide(replace(MESSAGE, message_id=ChatMessageId(number)), state)
