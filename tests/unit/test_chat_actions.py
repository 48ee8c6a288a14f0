"""Given a session's past, when an agent picks up, transfers or resets it, then this happened."""

from collections.abc import Sequence

import pytest
from support.chat_actions import (
    ASKED,
    EARLY,
    KIM,
    LATE,
    MESSAGE,
    NOON,
    PAT,
    PICKED,
    QUEUED,
    S7,
    at,
    state_after,
)

from domain.chat.actions import (
    AcceptChatSessionTransfer,
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
from domain.chat.enums import ChatSessionStatus
from domain.chat.events import (
    ChatSessionCreated,
    ChatSessionDeleted,
    ChatSessionEvent,
    ChatSessionReset,
    ChatSessionTransferAccepted,
    ChatSessionTransferRejected,
    ChatSessionTransferRequested,
    ChatSessionUpdated,
)
from domain.errors import NotFound, NotInQueue
from domain.ids import ChatMessageId

SAM = Associate(associate_id=3, name="sam")


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
