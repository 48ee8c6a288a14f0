"""What a command does, and what it is refused with; the log is a real PostgreSQL's."""

from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace
from support import given
from support.seen import topics

from app.log.errors import VersionMismatch, WrongMasterKey
from app.service import Service, open_service
from app.settings import Settings
from domain.ai_session import AISession, DeleteAISession
from domain.chat.session import ChatSession, DeleteChatSession, UpdateChatSession
from domain.errors import AccountNotFound, AlreadyExists, NotFound
from domain.ids import AISessionId


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
        await service.accounts.require("a1")
    await given.open_account(other_service, "a1")
    await service.accounts.require("a1")


async def test_an_answer_shows_the_present_name_of_the_account(
    service: Service, other_service: Service
) -> None:
    await given.open_account(service, "a1", "Acme")
    created = await given.open_ai_session(service, account="a1")
    assert created.account_name == "Acme"
    await given.rename_account(other_service, "a1", "Acme & Sons")
    patched = await given.patch_ai_session(service, given.session_of(created), "billing")
    assert patched.account_name == "Acme & Sons"


async def test_a_taken_id_is_refused(service: Service, other_service: Service) -> None:
    session = given.session_of(await given.open_ai_session(service))
    await given.open_account(service, "a1")
    for again in (service, other_service):
        with pytest.raises(AlreadyExists):
            await given.open_account(again, "a1")
        with pytest.raises(AlreadyExists):
            await given.open_ai_session(again, session)


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


async def test_personal_text_is_nowhere_in_the_log(
    service: Service, owner: asyncpg.Connection
) -> None:
    await given.open_ai_session(service, purpose="Kim's illness", key="k1")
    await given.open_chat_session(service, "Kim Example")
    for table in ("stored_events", "idempotency_key", "stream_key"):
        rows = await owner.fetch(f"SELECT * FROM {table}")  # a name from above
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
    metadata = msgspec.json.decode(row["metadata"])
    assert metadata.pop("sealed")["fields"] == ["idempotencyKey"]
    assert metadata == {"roles": ["SystemAdministrator"]}


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
