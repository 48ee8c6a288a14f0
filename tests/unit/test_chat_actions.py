"""Given a session's past, when somebody does something to it, then this happened."""

from collections.abc import Sequence
from functools import reduce

import pytest
from msgspec.structs import replace

from domain.chat.actions import (
    AcceptChatSessionTransfer,
    AddChatMessage,
    CloseDeadChatSession,
    Command,
    MarkFetched,
    PickUpChatSession,
    RejectChatSessionTransfer,
    ResetChatSession,
    TransferChatSession,
    decide,
)
from domain.chat.carriers import Associate
from domain.chat.enums import ChatMessageSpecialType, ChatMessageType, ChatSessionStatus
from domain.chat.events import (
    ChatMessageAdded,
    ChatSessionClosed,
    ChatSessionCreated,
    ChatSessionDeleted,
    ChatSessionEvent,
    ChatSessionFetched,
    ChatSessionPickedUp,
    ChatSessionReset,
    ChatSessionTransferAccepted,
    ChatSessionTransferRejected,
    ChatSessionTransferRequested,
    ChatSessionUpdated,
)
from domain.chat.evolve import evolve
from domain.chat.session import ENDED, OPEN, ChatSession
from domain.date_time import EMPTY, DateTime
from domain.errors import MessageOutOfOrder, NotFound, NotInQueue
from domain.ids import ChatMessageId, ChatSessionId

S7 = ChatSessionId(7)
EARLY = DateTime("2026-11-21T11:00:00")
NOON = DateTime("2026-11-21T12:00:00")
LATE = DateTime("2026-11-21T13:00:00")
KIM = Associate(associate_id=1, name="kim")
PAT = Associate(associate_id=2, name="pat")
SAM = Associate(associate_id=3, name="sam")

QUEUED = ChatSessionCreated(
    chat_session_id=S7,
    status=ChatSessionStatus.IN_QUEUE,
    when_requested=EARLY,
    initial_queue_pos=3,
)
PICKED = ChatSessionPickedUp(user=KIM, rank=2, when_started=NOON)
ASKED = ChatSessionTransferRequested(transfer_to=PAT)
MESSAGE = AddChatMessage(chat_session_id=S7, message_id=ChatMessageId(5), at=NOON)
FETCHED = ChatSessionFetched(when_fetched=NOON)


def state_after(*past: ChatSessionEvent) -> ChatSession:
    nothing: ChatSession | None = None
    state = reduce(evolve, past, nothing)
    assert state is not None
    return state


def at(status: ChatSessionStatus) -> ChatSessionEvent:
    return ChatSessionUpdated(status=status)


COMMANDS: list[Command] = [
    PickUpChatSession(chat_session_id=S7, agent=KIM, rank=1, at=NOON),
    TransferChatSession(chat_session_id=S7, to=PAT, by=1),
    AcceptChatSessionTransfer(chat_session_id=S7, agent=PAT, rank=1),
    RejectChatSessionTransfer(chat_session_id=S7, by=2),
    ResetChatSession(chat_session_id=S7, at=NOON, queue_pos=1),
    MESSAGE,
    MarkFetched(chat_session_id=S7, at=NOON, unless_since=EARLY),
    CloseDeadChatSession(
        chat_session_id=S7, message_id=ChatMessageId(5), at=LATE, unless_since=NOON
    ),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_session_that_is_not_there_is_not_found(command: Command) -> None:
    for state in (None, state_after(QUEUED, ChatSessionDeleted())):
        with pytest.raises(NotFound, match="ChatSession 7 does not exist"):
            decide(command, state)


def test_who_picks_up_a_session_has_it() -> None:
    command = PickUpChatSession(chat_session_id=S7, agent=KIM, rank=2, at=NOON)
    assert decide(command, state_after(QUEUED)) == [PICKED]
    state = state_after(QUEUED, PICKED)
    assert (state.user, state.rank, state.when_started) == (KIM, 2, NOON)
    assert state.status is ChatSessionStatus.CUSTOMER_LAST


@pytest.mark.parametrize(
    "status", sorted(set(ChatSessionStatus) - {ChatSessionStatus.IN_QUEUE}), ids=str
)
def test_only_what_waits_in_the_queue_is_picked_up(status: ChatSessionStatus) -> None:
    with pytest.raises(NotInQueue, match="ChatSession 7 is not in the queue"):
        decide(COMMANDS[0], state_after(QUEUED, at(status)))


def test_a_session_is_picked_up_once() -> None:
    with pytest.raises(NotInQueue):
        decide(COMMANDS[0], state_after(QUEUED, PICKED))


TRANSFERS: list[tuple[str, list[ChatSessionEvent], Command, Sequence[ChatSessionEvent]]] = [
    ("asked by who has it", [PICKED], TransferChatSession(chat_session_id=S7, to=PAT, by=1),
     [ASKED]),
    ("asked by a manager", [PICKED], TransferChatSession(chat_session_id=S7, to=PAT, by=None),
     [ASKED]),
    ("asked by somebody else", [PICKED], TransferChatSession(chat_session_id=S7, to=PAT, by=3),
     []),
    ("asked again", [PICKED, ASKED], TransferChatSession(chat_session_id=S7, to=PAT, by=1), []),
    ("asked of another", [PICKED, ASKED], TransferChatSession(chat_session_id=S7, to=SAM, by=1),
     [ChatSessionTransferRequested(transfer_to=SAM)]),
    ("asked of who has it", [PICKED], TransferChatSession(chat_session_id=S7, to=KIM, by=1), []),
    ("asked while queued", [], TransferChatSession(chat_session_id=S7, to=PAT, by=None), []),
    ("accepted", [PICKED, ASKED],
     AcceptChatSessionTransfer(chat_session_id=S7, agent=PAT, rank=4),
     [ChatSessionTransferAccepted(user=PAT, rank=4)]),
    ("accepted by somebody else", [PICKED, ASKED],
     AcceptChatSessionTransfer(chat_session_id=S7, agent=SAM, rank=4), []),
    ("accepted unasked", [PICKED],
     AcceptChatSessionTransfer(chat_session_id=S7, agent=PAT, rank=4), []),
    ("accepted too late", [PICKED, ASKED, at(ChatSessionStatus.CLOSED)],
     AcceptChatSessionTransfer(chat_session_id=S7, agent=PAT, rank=4), []),
    ("rejected", [PICKED, ASKED], RejectChatSessionTransfer(chat_session_id=S7, by=2),
     [ChatSessionTransferRejected()]),
    ("taken back", [PICKED, ASKED], RejectChatSessionTransfer(chat_session_id=S7, by=1),
     [ChatSessionTransferRejected()]),
    ("rejected by somebody else", [PICKED, ASKED],
     RejectChatSessionTransfer(chat_session_id=S7, by=3), []),
    ("rejected unasked", [PICKED], RejectChatSessionTransfer(chat_session_id=S7, by=1), []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("past", "command", "happened"),
    [pytest.param(*row, id=name) for name, *row in TRANSFERS],
)
def test_a_transfer_is(
    past: list[ChatSessionEvent], command: Command, happened: list[ChatSessionEvent]
) -> None:
    assert decide(command, state_after(QUEUED, *past)) == happened


def test_an_accepted_transfer_changes_hands_and_a_rejected_one_leaves_no_trace() -> None:
    accepted = ChatSessionTransferAccepted(user=PAT, rank=4)
    state = state_after(QUEUED, PICKED, ASKED, accepted)
    assert (state.user, state.rank, state.transfer_to) == (PAT, 4, None)
    rejected = state_after(QUEUED, PICKED, ASKED, ChatSessionTransferRejected())
    assert rejected == state_after(QUEUED, PICKED)


def test_a_user_without_a_number_is_nobody() -> None:
    nameless = ChatSessionUpdated(user=Associate(name="kim"))
    command = TransferChatSession(chat_session_id=S7, to=PAT, by=1)
    assert decide(command, state_after(QUEUED, PICKED, nameless)) == []


def test_a_reset_session_waits_where_it_waited() -> None:
    command = ResetChatSession(chat_session_id=S7, at=LATE, queue_pos=9)
    bot = ChatSessionUpdated(chatbot_is_active=True)
    events = decide(command, state_after(QUEUED, PICKED, bot))
    assert events == [ChatSessionReset(when_requested=EARLY, initial_queue_pos=3)]
    assert state_after(QUEUED, PICKED, bot, *events) == state_after(QUEUED)
    assert decide(command, state_after(QUEUED)) == []


def test_a_session_that_never_waited_is_reset_to_the_end() -> None:
    command = ResetChatSession(chat_session_id=S7, at=LATE, queue_pos=9)
    assert decide(command, state_after(ChatSessionCreated(chat_session_id=S7))) == [
        ChatSessionReset(when_requested=LATE, initial_queue_pos=9)
    ]


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
