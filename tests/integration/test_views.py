"""The live views are a fold of the log: at every moment, in every process, whatever was done."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC

import asyncpg
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from support import given as take

from app.commands.registry import TARGETS
from app.log.keyring import Keyring
from app.log.read import heads, read_feed
from app.service import Service
from domain.account import NewAccount, RenameAccount
from domain.ai_session import (
    ApplyAISession,
    ClearAISessionActions,
    DeleteAISession,
    DeleteAISessionAction,
    NewAISession,
    PatchAISession,
    ProposeAISessionAction,
)
from domain.chat.carriers import Address, Associate, Contact, Sale
from domain.chat.enums import ChatSessionStatus
from domain.chat.session import DeleteChatSession, NewChatSession, UpdateChatSession
from domain.errors import DomainError
from domain.ids import AccountId, ChatSessionId, StreamId, ai_session_stream
from projections.catalog import CURRENT, VIEWS
from projections.fold import Folded, fold

# Few names, so that commands meet; each example adds the text of its own to them.
NAMES = st.sampled_from(["a", "b"])
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
REAL = st.floats(allow_nan=False, allow_infinity=False)
CHAT_FIELDS = {
    "rank": st.integers(-(2**31), 2**31 - 1),
    "customer_name": st.none() | TEXT,
    "status": st.sampled_from(ChatSessionStatus),
    "user": st.none()
    | st.builds(Associate, full_name=st.none() | TEXT, extra_fields=st.dictionaries(TEXT, TEXT)),
    "contact": st.none() | st.builds(Contact, address=st.builds(Address, wgs84_latitude=REAL)),
    "sale": st.none() | st.builds(Sale, amount=REAL),
}
COMMANDS = st.one_of(
    st.builds(
        NewAISession, session_id=NAMES, account_id=st.none() | NAMES, purpose=st.none() | TEXT
    ),
    st.builds(PatchAISession, session_id=NAMES, purpose=st.none() | TEXT),
    st.builds(DeleteAISession, session_id=NAMES),
    st.builds(
        ProposeAISessionAction,
        session_id=NAMES,
        action_id=NAMES,
        proposed_at=st.datetimes(timezones=st.just(UTC)),
        function_name=TEXT,
        arguments=st.none() | TEXT,
        can_be_applied=st.booleans(),
    ),
    st.builds(ApplyAISession, session_id=NAMES),
    st.builds(ClearAISessionActions, session_id=NAMES),
    st.builds(DeleteAISessionAction, session_id=NAMES, action_id=NAMES),
    st.builds(NewChatSession, chat_session_id=st.integers(1, 2), **CHAT_FIELDS),
    st.builds(UpdateChatSession, chat_session_id=st.integers(1, 2), **CHAT_FIELDS),
    st.builds(DeleteChatSession, chat_session_id=st.integers(1, 2)),
    st.builds(NewAccount, account_id=NAMES, name=TEXT),
    st.builds(RenameAccount, account_id=NAMES, name=st.none() | TEXT),
)


class Streams:
    """Ids of one example's own, so that examples do not meet on their database."""

    numbers = 0

    def __init__(self) -> None:
        type(self).numbers += 2
        self._sessions = {"a": take.new_id(), "b": take.new_id()}

    def own(self, command: Struct) -> Struct:
        fields = msgspec.structs.asdict(command)
        if "session_id" in fields:
            fields["session_id"] = self._sessions[fields["session_id"]]
        elif isinstance(command, NewAccount | RenameAccount):
            fields["account_id"] = AccountId(f"{fields['account_id']}{self.numbers}")
        else:
            fields["chat_session_id"] = ChatSessionId(fields["chat_session_id"] + self.numbers)
        return type(command)(**fields)


async def folded_log(service: Service) -> dict[tuple[str, StreamId], Folded[object]]:
    """Every stream as the log tells it, by what it holds and its name."""
    keyring = Keyring(service.settings.master_key)
    found: dict[tuple[str, StreamId], Folded[object]] = {}
    for head in await heads(service.pool):
        async for page in read_feed(service.pool, keyring, head.partition, until=head.position):
            for recorded in page:
                kind = type(recorded.event).topic.partition(".")[0]
                place = (kind, recorded.stream)
                found[place] = fold(CURRENT[kind].evolve, found.get(place), recorded, kind)
    return found


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(commands=st.lists(COMMANDS, max_size=20))
async def test_each_row_is_the_fold_of_its_stream_and_what_is_deleted_has_none(
    service: Service, other_service: Service, commands: Sequence[Struct]
) -> None:
    streams = Streams()
    answered: dict[tuple[str, StreamId], Folded[object]] = {}
    for number, command in enumerate(commands):
        with suppress(DomainError):
            by = (service, other_service)[number % 2]
            answer = await by.commands.handle(streams.own(command), take.call(f"actor {number}"))
            kind = TARGETS[type(command)].kind
            answered[kind, answer.folded.stream] = answer.folded
    log = await folded_log(service)
    assert answered.items() <= log.items()
    for (kind, stream), folded in log.items():
        row = await other_service.views.get(kind, stream)
        expected = None if CURRENT[kind].gone(folded.state) else folded
        assert (None if row is None else row.folded) == expected


async def test_no_view_has_a_row_that_the_log_does_not_tell_of(
    service: Service, owner: asyncpg.Connection
) -> None:
    for _ in range(2):
        session = take.session_of(await take.open_ai_session(service))
    await take.delete_ai_session(service, session)
    chat = await take.open_chat_session(service)
    number = chat.folded.state.chat_session_id
    await service.commands.handle(DeleteChatSession(chat_session_id=number), take.call())
    counts = [
        await owner.fetchval(f"SELECT count(*) FROM {view.name}")  # a view's table
        for view in VIEWS
    ]
    assert counts == [1] + [0] * (len(VIEWS) - 1)


async def test_a_row_is_there_as_soon_as_its_command_is_answered(
    service: Service, other_service: Service
) -> None:
    created = await take.open_ai_session(service)
    stream = created.folded.stream
    for number in range(10):
        purpose = f"purpose {number}"
        patched = await take.patch_ai_session(service, take.session_of(created), purpose)
        row = await other_service.views.get("ai_session", stream)
        assert row is not None
        assert row.folded == patched.folded


async def test_a_renamed_account_shows_in_the_next_read_of_its_sessions(
    service: Service, other_service: Service
) -> None:
    await take.open_account(service, "a1", "Acme")
    session = (await take.open_ai_session(service, account="a1")).folded.stream
    for name in ("Acme & Sons", "Acme"):
        await take.rename_account(other_service, "a1", name)
        row = await service.views.get("ai_session", session)
        assert row is not None
        assert row.account_name == name
        assert await service.views.account_name(AccountId("a1")) == name


async def test_a_session_without_an_account_shows_no_name(service: Service) -> None:
    await take.open_account(service, "a1", "Acme")
    session = (await take.open_ai_session(service)).folded.stream
    row = await service.views.get("ai_session", session)
    assert row is not None
    assert row.account_name is None


async def test_what_is_not_there_has_no_row(service: Service) -> None:
    stream = ai_session_stream(take.new_id())
    assert stream is not None
    assert await service.views.get("ai_session", stream) is None
    assert await service.views.account_name(AccountId("a1")) is None
