"""Whatever is done to a chat session, all that tell of it tell the same."""

from collections.abc import Sequence
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from support import given as take
from support.numbers import make_last

from app.chat.numbers import MESSAGES
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from domain.chat.actions import (
    AcceptChatSessionTransfer,
    AddChatMessage,
    CloseDeadChatSession,
    MarkFetched,
    PickUpChatSession,
    RejectChatSessionTransfer,
    ResetChatSession,
    TransferChatSession,
)
from domain.chat.carriers import Associate
from domain.chat.enums import ChatMessageSpecialType, ChatMessageType, ChatSessionStatus
from domain.chat.session import (
    ChatSession,
    DeleteChatSession,
    NewChatSession,
    UpdateChatSession,
)
from domain.date_time import EMPTY, DateTime
from domain.errors import DomainError
from domain.ids import ChatSessionId, chat_session_stream
from projections.fold import Folded

ANY = ChatSessionId(0)
"""Stands for the session of an example."""
AGENTS = st.builds(Associate, associate_id=st.integers(1, 2))
MOMENTS = st.sampled_from([DateTime("2026-11-21T12:00:00.5"), DateTime("2026-11-21T13:00:00Z")])
PLACES = st.integers(1, 3)
STATUSES = st.sampled_from(ChatSessionStatus)
SESSION = st.just(ANY)
WHOLE = {
    "chat_session_id": SESSION,
    "status": STATUSES,
    "user": st.none() | AGENTS,
    "transfer_to": st.none() | AGENTS,
    "when_requested": st.just(EMPTY) | MOMENTS,
    "rating": PLACES,
    "customer_name": st.none() | st.just("Grüezi"),
    "at": MOMENTS,
    "queue_pos": PLACES,
}
ACTIONS = st.one_of(
    st.builds(UpdateChatSession, **WHOLE),
    st.builds(PickUpChatSession, chat_session_id=SESSION, agent=AGENTS, rank=PLACES, at=MOMENTS),
    st.builds(
        TransferChatSession,
        chat_session_id=SESSION,
        to=AGENTS,
        by=st.none() | st.integers(1, 2),
    ),
    st.builds(AcceptChatSessionTransfer, chat_session_id=SESSION, agent=AGENTS, rank=PLACES),
    st.builds(RejectChatSessionTransfer, chat_session_id=SESSION, by=st.integers(1, 2)),
    st.builds(ResetChatSession, chat_session_id=SESSION, at=MOMENTS, queue_pos=PLACES),
    st.builds(
        AddChatMessage,
        chat_session_id=SESSION,
        message_id=st.integers(1, 9),
        at=MOMENTS,
        type=st.sampled_from(ChatMessageType),
        message=st.none() | st.just("Grüezi"),
        special_type=st.sampled_from(ChatMessageSpecialType),
    ),
    st.builds(MarkFetched, chat_session_id=SESSION, at=MOMENTS, unless_since=MOMENTS),
    st.builds(
        CloseDeadChatSession,
        chat_session_id=SESSION,
        message_id=st.integers(1, 9),
        at=MOMENTS,
        unless_since=MOMENTS,
    ),
    st.builds(DeleteChatSession, chat_session_id=SESSION),
)


class Patch(Struct, frozen=True):
    """Other values for some fields; the rest is as it was read."""

    chat_session_id: ChatSessionId
    status: ChatSessionStatus
    rank: int


PATCHES = st.builds(Patch, chat_session_id=SESSION, status=STATUSES, rank=PLACES)


async def shown(service: Service, number: ChatSessionId) -> Folded[ChatSession] | None:
    """A session as its view has it."""
    row = await service.views.get("chat_session", chat_session_stream(number))
    return None if row is None else row.folded


async def do(service: Service, number: ChatSessionId, done: Struct) -> Folded[ChatSession] | None:
    """The session as memory has it after a command; None if that was refused."""
    with suppress(DomainError):
        if isinstance(done, Patch):
            held = await shown(service, number)
            if held is None:
                return None
            wanted = replace(held.state, status=done.status, rank=done.rank)
            return (await service.chat.update(number, wanted, take.call())).folded
        command = replace(done, chat_session_id=number)
        return (await service.commands.handle(command, take.call())).folded
    return None


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(new=st.builds(NewChatSession, **WHOLE), actions=st.lists(ACTIONS | PATCHES, max_size=15))
async def test_memory_view_log_and_rebuilt_view_hold_the_same(
    service: Service,
    other_service: Service,
    store: Connection,
    keyring: Keyring,
    new: NewChatSession,
    actions: Sequence[Struct],
) -> None:
    # The numbers of messages are made up here: none is drawn.
    await make_last(store.raw, MESSAGES, 1_000_000)
    number = await service.chat.new_number(take.call())
    told = await do(service, number, new)
    for place, action in enumerate(actions):
        by = (service, other_service)[place % 2]
        told = await do(by, number, action) or told
    assert told is not None
    expected = None if told.state.deleted else told
    for each in (service, other_service):
        assert await shown(each, number) == expected
    assert await verify(store, keyring, silent) == []
    rebuilt = await rebuild(store, keyring, named(["chat_session_entity"]), silent)
    assert rebuilt.mended == {"chat_session_entity": 0}
    assert await shown(service, number) == expected
