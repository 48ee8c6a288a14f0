"""Of which kind a stream is: neither memory, nor reading, nor the append takes one for another."""

from collections.abc import Callable
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec.structs import replace
from support import given
from support.database import ONE_PARTITION
from support.entries import changed, entry, made_ids, new_stream
from support.strays import leave_stray

from app.commands.context import CommandResult
from app.history.replay import replay
from app.integrity.verify import verify
from app.log.append import Appender
from app.log.entry import Entry, NewEvent
from app.log.errors import KeyReused
from app.log.keyring import Keyring
from app.log.outcome import Appended
from app.maintenance.store import Connection
from app.rebuild.rebuild import named, rebuild
from app.service import Service, open_service
from app.settings import Settings
from domain import ai_session as ai
from domain.chat.fields import ChatSessionFields
from domain.chat.session import DeleteChatSession
from domain.errors import NotFound
from domain.ids import (
    AccountId,
    AISessionId,
    ChatSessionId,
    StreamId,
    account_stream,
    chat_session_stream,
)

COMMANDS = (
    lambda session: ai.PatchAISession(session_id=session, purpose="x"),
    lambda session: ai.DeleteAISession(session_id=session),
    lambda session: ai.ApplyAISession(session_id=session),
    lambda session: ai.ClearAISessionActions(session_id=session),
    lambda session: ai.DeleteAISessionAction(session_id=session, action_id="a"),
)


@pytest.fixture(params=["chat session", "account"])
async def other(request: pytest.FixtureRequest, service: Service) -> CommandResult:
    """What is no AI session."""
    if request.param == "account":
        return await given.open_account(service)
    return await given.open_chat_session(service)


@pytest.mark.parametrize("command", COMMANDS)
async def test_no_command_finds_an_ai_session_under_the_id_of_another_stream(
    service: Service,
    other_service: Service,
    owner: asyncpg.Connection,
    other: CommandResult,
    command: Callable[[AISessionId], ai.Command],
) -> None:
    session = AISessionId(str(other.folded.stream))
    for each in (service, other_service):  # one remembers the stream, the other does not
        with pytest.raises(NotFound, match="AISession"):
            await each.commands.handle(command(session), given.call())
    assert await owner.fetchval("SELECT count(*) FROM stored_events") == 1


async def test_loading_asks_for_a_stream_of_a_kind(
    service: Service, other: CommandResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the door let it through.
    monkeypatch.setattr("app.commands.registry.ai_session_stream", lambda text, _: UUID(text))
    session = AISessionId(str(other.folded.stream))
    with pytest.raises(NotFound):
        await given.patch_ai_session(service, session, "x")
    service.commands.aggregates.memory.clear()
    with pytest.raises(NotFound):
        await given.patch_ai_session(service, session, "x")


def _of(stream: UUID, expected: int, *topics: str, last: UUID | None = None) -> Entry:
    """An entry with events of the stored names given."""
    events = [NewEvent(topic, b"{}", event_id) for topic, event_id in zip(
        topics, made_ids(len(topics)), strict=True)]  # fmt: skip
    return changed(replace(entry(StreamId(stream), expected), events=events), last=last)


AI, CHAT, ACCOUNT = "ai_session.deleted.v1", "chat_session.deleted.v1", "account.renamed.v1"
CHAT_STREAM, ACCOUNT_STREAM = chat_session_stream(ChatSessionId(7)), account_stream(AccountId("a"))


@pytest.mark.parametrize("whole", [False, True], ids=["for itself", "atomic"])
@pytest.mark.parametrize(
    ("stream", "first", "then"),
    [
        (CHAT_STREAM, CHAT, AI), (CHAT_STREAM, CHAT, ACCOUNT),
        (ACCOUNT_STREAM, ACCOUNT, AI), (ACCOUNT_STREAM, ACCOUNT, CHAT),
        (new_stream(), AI, CHAT), (new_stream(), AI, ACCOUNT),
    ],
)  # fmt: skip
@ONE_PARTITION
async def test_an_append_refuses_an_event_of_another_kind(
    appender: Appender,
    owner: asyncpg.Connection,
    stream: UUID,
    first: str,
    then: str,
    whole: bool,
) -> None:
    async def append(made: Entry) -> object:
        return await (appender.append_all([made]) if whole else appender.append(made))

    await append(_of(stream, 0, first))
    for refused in (_of(stream, 1, then), _of(stream, 1, first, then), _of(stream, 1, then, first)):
        with pytest.raises(asyncpg.CheckViolationError, match="another kind"):
            await append(refused)
    fresh = new_stream() if first == AI else derived_stream()
    with pytest.raises(asyncpg.CheckViolationError, match="another kind"):
        await append(_of(fresh, 0, first, then))
    assert await owner.fetchval("SELECT count(*) FROM stored_events") == 1
    await append(_of(stream, 1, first, first))
    assert await owner.fetchval("SELECT count(*) FROM stored_events") == 3


def derived_stream() -> UUID:
    """The stream of an account that nobody has."""
    return account_stream(AccountId(str(uuid4())))


@pytest.mark.parametrize(("stream", "topic"), [(CHAT_STREAM, AI), (new_stream(), CHAT)])
@ONE_PARTITION
async def test_no_stream_begins_with_an_event_that_its_id_does_not_fit(
    appender: Appender, owner: asyncpg.Connection, stream: UUID, topic: str
) -> None:
    for refused in (_of(stream, 0, topic), _of(stream, 0, topic, topic)):
        with pytest.raises(asyncpg.CheckViolationError, match="another kind"):
            await appender.append(refused)
    assert await owner.fetchval("SELECT count(*) FROM stored_events") == 0


@ONE_PARTITION
async def test_one_of_another_kind_takes_no_other_with_it(appender: Appender) -> None:
    await appender.append(_of(CHAT_STREAM, 0, CHAT))
    fine = [appender.append(_of(new_stream(), 0, AI)) for _ in range(3)]
    wrong = appender.append(_of(CHAT_STREAM, 1, AI))
    assert [type(await each) for each in fine] == [Appended] * 3
    with pytest.raises(asyncpg.CheckViolationError):
        await wrong


async def test_the_owner_cannot_insert_one_either(
    service: Service, owner: asyncpg.Connection
) -> None:
    chat = await given.open_chat_session(service)
    copy = (
        "INSERT INTO stored_events SELECT partition, originator_id, 2, $2, '{}', 99, $3,"
        " recorded_at, actor, metadata FROM stored_events WHERE originator_id = $1"
    )
    for topic in (AI, ACCOUNT):
        with pytest.raises(asyncpg.CheckViolationError, match="another kind"):
            await owner.execute(copy, chat.folded.stream, topic, uuid4())
    assert await owner.execute(copy, chat.folded.stream, CHAT, uuid4()) == "INSERT 0 1"


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def with_stray(service: Service, owner: asyncpg.Connection) -> tuple[CommandResult, int]:
    """A chat session into whose stream an older release let an event, and its position."""
    chat = await given.open_chat_session(service)
    return chat, await leave_stray(owner, chat.folded.stream)


async def test_a_log_with_such_an_event_is_verified_rebuilt_and_replayed(
    service: Service, owner: asyncpg.Connection, store: Connection, keyring: Keyring
) -> None:
    chat, position = await with_stray(service, owner)
    at = f"{chat.folded.partition}:{position}"
    where = f"stream {chat.folded.stream} has version 2 at position {at}, {AI}, which"
    told, behind = await verify(store, keyring, silent)
    assert where in told
    assert "version is 1, the log says 2" in behind

    rebuilt = await rebuild(store, keyring, named(()), silent)
    assert len(rebuilt.passed) == 1
    assert where in rebuilt.passed[0]
    assert rebuilt.mended["chat_session_entity"] == 1
    (told,) = await verify(store, keyring, silent)
    assert where in told

    created, stray = [step async for step in replay(store, keyring, chat.folded.stream, None)]
    assert (stray.type, stray.changed, stray.state) == (AI, {}, created.state)
    assert stray.session_id == created.session_id


async def rename(service: Service, number: ChatSessionId, name: str) -> CommandResult:
    """Put a chat session in a customer's name."""
    return await service.chat.update(number, ChatSessionFields(customer_name=name), given.call())


@pytest.mark.parametrize("rebuilt", [False, True], ids=["as found", "rebuilt"])
async def test_a_session_with_such_an_event_takes_commands_again(
    settings: Settings,
    service: Service,
    other_service: Service,
    owner: asyncpg.Connection,
    store: Connection,
    keyring: Keyring,
    rebuilt: bool,
) -> None:
    chat, _ = await with_stray(service, owner)
    if rebuilt:
        await rebuild(store, keyring, named(()), silent)
    number = chat.folded.state.chat_session_id
    answers = [
        await rename(each, number, f"Kim {n}") for n, each in enumerate((service, other_service))
    ]
    assert [answer.folded.version for answer in answers] == [3, 4]
    assert answers[1].folded.state.customer_name == "Kim 1"
    assert answers[1].folded.audit.created_by == chat.folded.audit.created_by
    only = [line for line in await verify(store, keyring, silent) if "another kind" not in line]
    assert only == []
    third = await open_service(settings)  # which knows it from its row
    await third.commands.handle(DeleteChatSession(chat_session_id=number), given.call())
    await third.close()
    rows = await owner.fetch("SELECT topic FROM stored_events ORDER BY notification_id")
    assert rows[-1]["topic"] == CHAT


async def test_a_stray_in_an_account_is_passed_over(
    service: Service, other_service: Service, owner: asyncpg.Connection, store: Connection,
    keyring: Keyring,
) -> None:  # fmt: skip
    account = await given.open_account(service)
    await leave_stray(owner, account.folded.stream)
    renamed = await given.rename_account(other_service, "a1", "Acme Ltd")
    assert (renamed.folded.version, renamed.folded.state.name) == (3, "Acme Ltd")
    assert len(await verify(store, keyring, silent)) == 1


@ONE_PARTITION
async def test_a_key_that_was_used_for_one_kind_is_reused_for_another(
    service: Service, owner: asyncpg.Connection
) -> None:
    await given.open_ai_session(service, key="k")
    with pytest.raises(KeyReused):
        await service.commands.handle(
            DeleteChatSession(chat_session_id=ChatSessionId(1)), given.call(key="k")
        )
    assert await owner.fetchval("SELECT count(*) FROM stored_events") == 1
