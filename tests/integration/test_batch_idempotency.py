"""What idempotency keys promise to whoever sends a batch again."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest
from msgspec.structs import replace
from support import given
from support.batches import creation, delete, keyed, patch, refused, sessions, written
from support.database import ONE_PARTITION
from support.seen import topics, without_replay

from app.commands.context import CommandEnvelope
from app.commands.errors import BatchRefused
from app.log.errors import KeyInFlight, KeyReused
from app.service import Service, open_service
from app.settings import Settings
from domain.ai_session import ProposeAISessionAction

pytestmark = ONE_PARTITION  # a batch stays within a partition


async def test_a_batch_that_is_sent_again_is_answered_again_as_of_then(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    one, two = await sessions(service, 2)

    def batch() -> list[CommandEnvelope]:  # draws another id each time
        return keyed([patch(one, "billing"), creation(), patch(two, "triage")])

    first = await service.commands.handle_all(batch())
    await given.patch_ai_session(other_service, one, "sales")
    before = await written(owner)
    for again in (service, other_service):
        answers = await again.commands.handle_all(batch())
        assert [answer.replayed for answer in answers] == [True] * 3
        assert [without_replay(answer) for answer in answers] == first
    assert await written(owner) == before


async def test_a_batch_that_would_be_refused_now_is_still_answered_as_it_was_then(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    one, two = await sessions(service, 2)
    batch = keyed([patch(one, "billing"), delete(two)])
    first = await service.commands.handle_all(batch)
    await given.delete_ai_session(other_service, one)
    before = await written(owner)
    for again in (service, other_service):
        answers = await again.commands.handle_all(batch)
        assert [without_replay(answer) for answer in answers] == first
    assert await written(owner) == before


async def test_a_batch_that_was_refused_leaves_its_keys_free(
    service: Service, owner: asyncpg.Connection
) -> None:
    one, two = (await sessions(service, 1))[0], given.new_id()
    batch = keyed([patch(one, "billing"), patch(two, "billing")])
    await refused(service, batch)
    await given.open_ai_session(service, two)
    answers = await service.commands.handle_all(batch)
    assert [(answer.replayed, answer.folded.version) for answer in answers] == [(False, 2)] * 2
    assert (await written(owner))[:2] == (4, 2)


@pytest.mark.parametrize("change", ["longer", "shorter", "reordered", "another", "refused anyway"])
async def test_keys_that_come_back_with_another_batch_are_refused_and_nothing_is_done(
    service: Service, other_service: Service, owner: asyncpg.Connection, change: str
) -> None:
    one, two, three = await sessions(service, 3)
    batch = [patch(one, "billing"), patch(two, "billing")]
    await service.commands.handle_all(keyed(batch))
    changed = {
        "longer": [*batch, patch(three, "billing")],
        "shorter": batch[:1],
        "reordered": batch[::-1],
        "another": [batch[0], patch(three, "billing")],
        "refused anyway": [batch[0], delete(given.new_id())],
    }[change]
    before = await written(owner)
    for again in (service, other_service):
        error = await refused(again, keyed(changed))
        assert (error.index, type(error.cause)) == (0, KeyReused)
    assert await written(owner) == before


async def test_a_batch_that_would_be_too_large_now_is_still_answered_as_it_was_then(
    settings: Settings,
) -> None:
    narrow = await open_service(replace(settings, answer_bytes=10_000))
    batch = keyed([patch(session, "x" * 3_000) for session in await sessions(narrow, 3)])
    first = await narrow.commands.handle_all(batch)
    for answer in first:  # of them, the batch would make no less
        propose = ProposeAISessionAction(
            session_id=given.session_of(answer), action_id="1", proposed_at=datetime.now(UTC),
            function_name="f", arguments="x" * 3_000,
        )  # fmt: skip
        await narrow.commands.handle(propose, given.call())
    answers = await narrow.commands.handle_all(batch)
    await narrow.close()
    assert [without_replay(answer) for answer in answers] == first


async def test_a_key_of_a_single_command_is_not_one_of_a_batch(
    service: Service, owner: asyncpg.Connection
) -> None:
    one, two = await sessions(service, 2)
    await given.patch_ai_session(service, two, "billing", given.call(key="k/1"))
    before = await written(owner)
    error = await refused(service, keyed([patch(one, "billing"), patch(two, "billing")]))
    assert (error.index, type(error.cause)) == (1, KeyReused)
    assert await written(owner) == before


async def test_one_key_for_two_commands_of_a_batch_is_refused(
    service: Service, owner: asyncpg.Connection
) -> None:
    before = await written(owner)
    by = given.call(key="k")
    error = await refused(service, [replace(creation(), call=by), replace(creation(), call=by)])
    assert (error.index, type(error.cause)) == (1, KeyReused)
    assert await written(owner) == before


async def test_a_batch_with_keys_for_some_of_its_commands_is_a_mistake(service: Service) -> None:
    with pytest.raises(ValueError, match="all commands"):
        await service.commands.handle_all([*keyed([creation()]), creation()])


async def test_a_batch_in_flight_is_refused_and_free_again_afterwards(
    service: Service, owner: asyncpg.Connection
) -> None:
    batch = keyed([patch(session, "billing") for session in await sessions(service, 2)])
    first, second = await asyncio.gather(
        service.commands.handle_all(batch),
        service.commands.handle_all(batch),
        return_exceptions=True,
    )
    assert not isinstance(first, BaseException)
    assert isinstance(second, BatchRefused)
    assert (second.index, type(second.cause)) == (0, KeyInFlight)
    assert [answer.replayed for answer in await service.commands.handle_all(batch)] == [True] * 2
    assert len(await topics(owner)) == 4


async def test_one_batch_in_two_processes_at_once_is_done_once(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    batches = await asyncio.gather(
        *(each.commands.handle_all(keyed([creation(), creation()])) for each in
          (service, other_service))
    )  # fmt: skip
    assert sorted(answer.replayed for batch in batches for answer in batch) == [
        False, False, True, True
    ]  # fmt: skip
    assert [without_replay(answer) for answer in batches[0]] == [
        without_replay(answer) for answer in batches[1]
    ]
    assert len(await topics(owner)) == 2
