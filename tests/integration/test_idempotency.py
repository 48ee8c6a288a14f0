"""What an idempotency key promises to whoever sends a command again."""

import asyncio

import asyncpg
import pytest
from support import given
from support.database import ONE_PARTITION
from support.seen import topics, without_replay

from app.commands.context import CommandResult, Generated
from app.log.errors import KeyInFlight, KeyReused
from app.service import Service
from domain.ai_session import PatchAISession
from domain.errors import NotFound


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


@ONE_PARTITION
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
    assert [type(answer) for answer in answers] == [CommandResult, KeyInFlight, KeyInFlight]
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


async def test_what_was_drawn_for_a_command_on_a_known_session_does_not_tell_a_retry(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    session, by = given.session_of(await given.open_ai_session(service)), given.call(key="k1")

    async def patch(at: Service, drawn_value: str, *fields: str) -> CommandResult:
        command = PatchAISession(session_id=session, purpose=drawn_value)
        return await at.commands.handle(command, by, Generated(fields))

    first = await patch(service, "drawn", "purpose")
    for again in (service, other_service):
        answer = await patch(again, "drawn again", "purpose")
        assert answer.replayed
        assert without_replay(answer) == first
        with pytest.raises(KeyReused):
            await patch(again, "asked for")
    assert len(await topics(owner)) == 2
