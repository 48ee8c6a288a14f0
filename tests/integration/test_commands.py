"""What a command's giver is promised, with the log on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import given
import msgspec
import pytest
from msgspec.structs import replace

from app.calls import Answer
from app.log.append import Entry, Outcome
from app.log.errors import Conflict, KeyInFlight, KeyReused, VersionMismatch, WrongMasterKey
from app.log.keyring import Keyring
from app.log.read import read_stream
from app.service import Service, open_service
from app.settings import Settings
from domain.ai_session import AISession, AISessionPatched, DeleteAISession
from domain.chat_session import ChatSession, DeleteChatSession, UpdateChatSession
from domain.errors import AccountNotFound, AlreadyExists, NotFound
from domain.ids import AISessionId, StreamId, ai_session_stream


def stream_of(session: AISessionId) -> StreamId:
    stream = ai_session_stream(session)
    assert stream is not None
    return stream


async def topics(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch("SELECT topic FROM stored_events ORDER BY notification_id")
    return [row["topic"].removesuffix(".v1") for row in rows]


def without_replay(answer: Answer) -> Answer:
    return replace(answer, replayed=False)


async def test_a_session_is_created_patched_and_deleted(
    service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service, purpose="triage"))
    patched = await given.patch_ai_session(service, session, "billing", given.call("pat"))
    assert patched.folded.state == AISession(purpose="billing")
    assert (patched.folded.version, patched.folded.position) == (2, 2)
    assert patched.folded.audit.created_by == "kim"
    assert patched.folded.audit.modified_by == "pat"
    deleted = await given.delete_ai_session(service, session)
    assert (deleted.folded.state.deleted, deleted.folded.version) == (True, 3)
    assert await topics(owner) == [
        "ai_session.created", "ai_session.patched", "ai_session.deleted"
    ]  # fmt: skip


async def test_a_chat_session_is_created_replaced_and_deleted(
    service: Service, owner: asyncpg.Connection
) -> None:
    created = await given.open_chat_session(service)
    number = created.folded.state.chat_session_id
    replaced = await service.commands.handle(
        UpdateChatSession(chat_session_id=number, rank=3), given.call()
    )
    assert replaced.folded.state == ChatSession(chat_session_id=number, rank=3)
    await service.commands.handle(DeleteChatSession(chat_session_id=number), given.call())
    assert await topics(owner) == [
        "chat_session.created", "chat_session.updated", "chat_session.deleted"
    ]  # fmt: skip


async def test_the_stored_time_is_the_answered_time(
    service: Service, owner: asyncpg.Connection
) -> None:
    answer = await given.open_ai_session(service)
    recorded_at = await owner.fetchval("SELECT recorded_at FROM stored_events")
    assert answer.folded.audit.created_at == answer.folded.audit.modified_at == recorded_at


@pytest.mark.parametrize("purpose", ["triage", None], ids=["same", "nothing"])
async def test_a_patch_that_changes_nothing_appends_nothing(
    service: Service, owner: asyncpg.Connection, purpose: str | None
) -> None:
    created = await given.open_ai_session(service, purpose="triage")
    patched = await given.patch_ai_session(service, given.session_of(created), purpose)
    assert patched.folded == created.folded
    assert await topics(owner) == ["ai_session.created"]


async def test_what_is_not_there_is_refused(service: Service, owner: asyncpg.Connection) -> None:
    with pytest.raises(NotFound):
        await given.patch_ai_session(service, given.new_id(), "triage")
    with pytest.raises(NotFound):
        await given.patch_ai_session(service, AISessionId("no uuid"), "triage")
    session = given.session_of(await given.open_ai_session(service))
    await given.delete_ai_session(service, session)
    with pytest.raises(NotFound):
        await given.delete_ai_session(service, session)
    assert await topics(owner) == ["ai_session.created", "ai_session.deleted"]


async def test_an_unknown_account_is_refused_and_a_new_one_is_known_at_once(
    service: Service, other_service: Service
) -> None:
    with pytest.raises(AccountNotFound):
        await service.require_account("a1")
    await given.open_account(other_service, "a1")
    await service.require_account("a1")


async def test_an_answer_shows_the_present_name_of_the_account(
    service: Service, other_service: Service
) -> None:
    await given.open_account(service, "a1", "Acme")
    created = await given.open_ai_session(service, account="a1")
    assert created.account_name == "Acme"
    await given.rename_account(other_service, "a1", "Acme & Sons")
    patched = await given.patch_ai_session(service, given.session_of(created), "billing")
    assert patched.account_name == "Acme & Sons"


async def test_a_command_on_a_stale_memory_is_decided_again(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    await given.patch_ai_session(other_service, session, "billing")
    # To this service the session still holds "triage": it must neither overwrite blindly…
    patched = await given.patch_ai_session(service, session, "sales")
    assert (patched.folded.version, patched.folded.state.purpose) == (3, "sales")
    # …nor take for a change what is none, …
    await given.patch_ai_session(other_service, session, "refund")
    assert (await given.patch_ai_session(service, session, "refund")).folded.version == 4
    # …nor for none what is one.
    await given.patch_ai_session(other_service, session, "sales")
    assert (await given.patch_ai_session(service, session, "refund")).folded.version == 6
    assert (await topics(owner)).count("ai_session.patched") == 5


async def test_a_stale_memory_refuses_nothing(service: Service, other_service: Service) -> None:
    session = given.new_id()
    with pytest.raises(NotFound):
        await given.patch_ai_session(other_service, session, "billing")
    await given.open_ai_session(service, session)
    assert (await given.patch_ai_session(other_service, session, "billing")).folded.version == 2
    assert (
        await given.patch_ai_session(service, session, "sales", given.call(if_version=2))
    ).folded.version == 3


async def test_a_session_that_was_deleted_elsewhere_is_not_found(
    service: Service, other_service: Service
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    await given.delete_ai_session(other_service, session)
    with pytest.raises(NotFound):
        await given.patch_ai_session(service, session, "billing")


async def test_a_taken_id_is_refused(service: Service, other_service: Service) -> None:
    session = given.session_of(await given.open_ai_session(service))
    await given.open_account(service, "a1")
    for again in (service, other_service):
        with pytest.raises(AlreadyExists):
            await given.open_account(again, "a1")
        with pytest.raises(AlreadyExists):
            await given.open_ai_session(again, session)


async def test_a_stream_that_moves_on_each_time_ends_in_a_conflict(
    service: Service, other_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    (appender,), decisions = service.commands._appenders, 0
    append = appender.append

    async def overtaken(entry: Entry) -> Outcome:
        nonlocal decisions
        decisions += 1
        await given.patch_ai_session(other_service, session, f"other {decisions}")
        return await append(entry)

    monkeypatch.setattr(appender, "append", overtaken)
    with pytest.raises(Conflict) as refused:
        await given.patch_ai_session(service, session, "mine")
    assert decisions == 1 + service.settings.conflict_retries
    assert refused.value.version == 1 + decisions


async def test_a_demanded_version_must_be_the_present_one(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    await given.patch_ai_session(other_service, session, "billing")
    for demanded in (1, 3):
        by = given.call(if_version=demanded)
        with pytest.raises(VersionMismatch) as refused:
            await given.patch_ai_session(service, session, "sales", by)
        assert refused.value.version == 2
    await given.patch_ai_session(service, session, "sales", given.call(if_version=2))
    with pytest.raises(VersionMismatch):  # even if the patch would change nothing
        await given.patch_ai_session(service, session, "sales", given.call(if_version=2))
    assert (await topics(owner)).count("ai_session.patched") == 2


async def test_a_creation_that_is_sent_again_is_answered_again(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    first = await given.open_ai_session(service, key="k1")
    for again in (service, other_service):
        answer = await given.open_ai_session(again, key="k1")  # draws another id
        assert answer.replayed
        assert without_replay(answer) == first
    assert await topics(owner) == ["ai_session.created"]


async def test_a_replay_answers_as_of_then(service: Service, other_service: Service) -> None:
    session = given.session_of(await given.open_ai_session(service))
    by = given.call(key="k1")
    first = await given.patch_ai_session(service, session, "billing", by)
    await given.patch_ai_session(service, session, "sales", given.call("pat"))
    for again in (service, other_service):
        answer = await given.patch_ai_session(again, session, "billing", by)
        assert answer.replayed
        assert without_replay(answer) == first


async def test_what_would_be_refused_now_is_still_answered_as_it_was_then(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    patch, delete = given.call(key="k1", if_version=1), given.call(key="k2")
    patched = await given.patch_ai_session(service, session, "billing", patch)
    deleted = await given.delete_ai_session(service, session, delete)
    for again in (service, other_service):
        answer = await given.patch_ai_session(again, session, "billing", patch)
        assert without_replay(answer) == patched
        assert without_replay(await given.delete_ai_session(again, session, delete)) == deleted
    assert len(await topics(owner)) == 3


async def test_a_key_stands_for_a_patch_that_changed_nothing_too(service: Service) -> None:
    session = given.session_of(await given.open_ai_session(service, purpose="triage"))
    by = given.call(key="k1")
    first = await given.patch_ai_session(service, session, "triage", by)
    await given.patch_ai_session(service, session, "billing")
    again = await given.patch_ai_session(service, session, "triage", by)
    assert again.replayed
    assert without_replay(again) == first


async def test_a_key_comes_back_with_another_command(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    by = given.call(key="k1")
    await given.patch_ai_session(service, session, "billing", by)
    for again in (service, other_service):
        with pytest.raises(KeyReused):
            await given.patch_ai_session(again, session, "sales", by)
        with pytest.raises(KeyReused):
            await given.delete_ai_session(again, session, by)
        with pytest.raises(KeyReused):
            await given.open_ai_session(again, key="k1")
        with pytest.raises(KeyReused):  # refused anyway, and the key says why first
            await given.patch_ai_session(again, given.new_id(), "sales", by)
    assert len(await topics(owner)) == 2


async def test_a_key_belongs_to_its_principal(service: Service) -> None:
    session = given.session_of(await given.open_ai_session(service))
    await given.patch_ai_session(service, session, "billing", given.call("kim", key="k1"))
    answer = await given.patch_ai_session(service, session, "sales", given.call("pat", key="k1"))
    assert (answer.replayed, answer.folded.version) == (False, 3)


async def test_a_command_that_was_refused_leaves_its_key_free(service: Service) -> None:
    session, by = given.new_id(), given.call(key="k1")
    with pytest.raises(NotFound):
        await given.patch_ai_session(service, session, "billing", by)
    await given.open_ai_session(service, session)
    answer = await given.patch_ai_session(service, session, "billing", by)
    assert (answer.replayed, answer.folded.version) == (False, 2)


async def test_a_key_in_flight_is_refused_and_free_again_afterwards(
    service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    by = given.call(key="k1")
    answers = await asyncio.gather(
        *(given.patch_ai_session(service, session, "billing", by) for _ in range(3)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [Answer, KeyInFlight, KeyInFlight]
    assert (await given.patch_ai_session(service, session, "billing", by)).replayed
    assert len(await topics(owner)) == 2


async def test_one_key_in_two_processes_at_once_is_one_command(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    answers = await asyncio.gather(
        given.open_ai_session(service, key="k1"), given.open_ai_session(other_service, key="k1")
    )
    assert sorted(answer.replayed for answer in answers) == [False, True]
    assert without_replay(answers[0]) == without_replay(answers[1])
    assert await topics(owner) == ["ai_session.created"]


async def test_many_writers_of_one_session_lose_no_update(
    service: Service, other_service: Service
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    answers = await asyncio.gather(
        *(given.patch_ai_session(service, session, f"purpose {number}") for number in range(32))
    )
    assert [answer.folded.version for answer in answers] == list(range(2, 34))
    past = await read_stream(service.pool, keyring(service), 0, stream_of(session))
    assert past is not None
    purposes = [
        each.event.purpose for each in past.events if isinstance(each.event, AISessionPatched)
    ]
    assert purposes == [f"purpose {number}" for number in range(32)]


async def test_writers_in_two_processes_lose_no_acknowledged_update(
    service: Service, other_service: Service
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    answers = await asyncio.gather(
        *(
            given.patch_ai_session(each, session, f"{name} {number}")
            for number in range(16)
            for name, each in (("one", service), ("two", other_service))
        ),
        return_exceptions=True,
    )
    done = [answer.folded for answer in answers if isinstance(answer, Answer)]
    assert all(isinstance(answer, Answer | Conflict) for answer in answers)
    assert len({folded.version for folded in done}) == len(done) >= 1
    past = await read_stream(service.pool, keyring(service), 0, stream_of(session))
    assert past is not None
    stored = {
        each.version: each.event.purpose
        for each in past.events
        if isinstance(each.event, AISessionPatched)
    }
    assert stored == {folded.version: folded.state.purpose for folded in done}


async def test_a_caller_that_goes_away_holds_up_nobody(
    service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    by = given.call(key="k1")
    gone = asyncio.ensure_future(given.patch_ai_session(service, session, "billing", by))
    await asyncio.sleep(0)
    gone.cancel()
    answer = await given.patch_ai_session(service, session, "sales")
    assert answer.folded.state.purpose == "sales"
    await service.commands.drain()
    again = await given.patch_ai_session(service, session, "billing", by)
    assert again.folded.state.purpose == "billing"
    assert (await topics(owner)).count("ai_session.patched") == 2


async def test_personal_text_is_nowhere_in_the_log(
    service: Service, owner: asyncpg.Connection
) -> None:
    await given.open_ai_session(service, purpose="Kim's illness", key="k1")
    await given.open_chat_session(service, "Kim Example")
    for table in ("stored_events", "idempotency_key", "stream_key"):
        rows = await owner.fetch(f"SELECT * FROM {table}")  # noqa: S608  # a name from above
        stored = b" ".join(
            value if isinstance(value, bytes) else str(value).encode()
            for row in rows
            for value in row.values()
        )
        assert b"illness" not in stored
        assert b"Example" not in stored


async def test_a_call_is_recorded_beside_its_events(
    service: Service, owner: asyncpg.Connection
) -> None:
    await given.open_ai_session(service, key="k1")
    row = await owner.fetchrow("SELECT actor, metadata FROM stored_events")
    assert row is not None
    assert row["actor"] == "kim"
    assert msgspec.json.decode(row["metadata"]) == {
        "roles": ["SystemAdministrator"],
        "idempotency_key": "k1",
    }


@pytest.fixture
async def small_memory(settings: Settings) -> AsyncIterator[Service]:
    opened = await open_service(replace(settings, cache_bytes=0))
    yield opened
    await opened.close()


async def test_a_service_that_remembers_nothing_answers_the_same(small_memory: Service) -> None:
    session = given.session_of(await given.open_ai_session(small_memory))
    for number in range(3):
        patched = await given.patch_ai_session(small_memory, session, f"purpose {number}")
        assert patched.folded.version == 2 + number
    await small_memory.commands.handle(DeleteAISession(session_id=session), given.call())
    with pytest.raises(NotFound):
        await given.patch_ai_session(small_memory, session, "billing")


async def test_another_master_key_than_the_logs_is_refused(settings: Settings) -> None:
    with pytest.raises(WrongMasterKey):
        await open_service(replace(settings, master_key=b"x" * 32))


def keyring(service: Service) -> Keyring:
    return Keyring(service.settings.master_key)
