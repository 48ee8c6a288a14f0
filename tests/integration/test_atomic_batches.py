"""What holds of commands that are given as one: all of them are done, or none."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from support import given
from support.batches import creation, delete, keyed, patch, refused, sessions, written
from support.database import ONE_PARTITION
from support.patience import patient
from support.seen import topics

from app.codecs.answer_budget import AnswerTooLarge
from app.commands.context import CommandResult
from app.commands.errors import BatchRefused, InvalidBatch
from app.database.errors import StoreDown
from app.log.entry import PreparedAppend
from app.log.errors import Conflict, VersionMismatch
from app.log.outcome import Outcome
from app.service import Service, open_service
from app.settings import Settings
from domain.errors import AlreadyExists, NotFound
from domain.ids import AISessionId

pytestmark = ONE_PARTITION  # a batch stays within a partition


async def test_all_commands_of_a_batch_are_done(
    service: Service, owner: asyncpg.Connection
) -> None:
    one, two, same = await sessions(service, 3)
    batch = [patch(one, "billing"), creation(), delete(two), patch(same, "triage")]
    answers = await service.commands.handle_all(batch)
    assert [answer.folded.version for answer in answers] == [2, 1, 2, 1]
    assert [answer.folded.position for answer in answers] == [4, 5, 6, 3]
    assert [answer.folded.state.deleted for answer in answers] == [False, False, True, False]
    assert (await topics(owner))[3:] == [
        "ai_session.patched", "ai_session.created", "ai_session.deleted"
    ]  # fmt: skip
    assert len(await owner.fetch("SELECT DISTINCT xmin FROM stored_events")) == 3 + 1


async def test_what_a_batch_led_to_is_remembered(service: Service) -> None:
    (session,) = await sessions(service, 1)
    await service.commands.handle_all([patch(session, "billing")])
    assert (await given.patch_ai_session(service, session, "sales")).folded.version == 3


async def test_no_commands_are_done_at_once(service: Service) -> None:
    assert await service.commands.handle_all([]) == []


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_command_that_is_refused_undoes_its_batch_and_is_named(
    service: Service, owner: asyncpg.Connection, place: int
) -> None:
    batch = [patch(session, "billing") for session in await sessions(service, 2)]
    before = await written(owner)
    batch.insert(place, patch(given.new_id(), "nobody's"))
    error = await refused(service, batch)
    assert (error.index, type(error.cause)) == (place, NotFound)
    assert await written(owner) == before


@pytest.mark.parametrize("nobody", [given.new_id(), "no uuid"], ids=["no session", "no id"])
async def test_the_first_of_two_refusals_is_told(service: Service, nobody: str) -> None:
    (session,) = await sessions(service, 1)
    wrong = [patch(AISessionId(nobody), "billing"), delete(given.new_id())]
    error = await refused(service, [patch(session, "billing"), *wrong])
    assert (error.index, type(error.cause)) == (1, NotFound)


async def test_of_a_long_batch_the_command_that_is_refused_is_named(service: Service) -> None:
    batch = [*(creation() for _ in range(70)), patch(given.new_id(), "nobody's"), creation()]
    error = await refused(service, batch)
    assert (error.index, type(error.cause)) == (70, NotFound)


@pytest.mark.parametrize("remembered", [True, False], ids=["in memory", "in the database"])
async def test_a_batch_whose_answer_would_be_too_large_is_refused_before_it_is_done(
    service: Service, settings: Settings, owner: asyncpg.Connection, remembered: bool
) -> None:
    narrow = await open_service(replace(settings, answer_bytes=10_000))
    made = await sessions(narrow if remembered else service, 4)
    before = await written(owner)
    error = await refused(narrow, [patch(session, "x" * 3_000) for session in made])
    assert (error.index, type(error.cause)) == (3, AnswerTooLarge)
    assert await written(owner) == before
    fitting = [patch(session, "x" * 3_000) for session in made[:3]]
    assert len(await narrow.commands.handle_all(fitting)) == 3
    await narrow.close()


async def test_a_taken_id_undoes_a_batch(service: Service, owner: asyncpg.Connection) -> None:
    (taken,) = await sessions(service, 1)
    before = await written(owner)
    error = await refused(service, [creation(), creation(taken)])
    assert (error.index, type(error.cause)) == (1, AlreadyExists)
    assert await written(owner) == before


async def test_a_demanded_version_that_is_not_the_present_one_undoes_a_batch(
    service: Service, owner: asyncpg.Connection
) -> None:
    one, two = await sessions(service, 2)
    before = await written(owner)
    error = await refused(service, [patch(one, "billing"), patch(two, "billing", if_version=7)])
    assert (error.index, type(error.cause)) == (1, VersionMismatch)
    assert await written(owner) == before


async def test_two_commands_for_one_session_are_no_batch(
    service: Service, owner: asyncpg.Connection
) -> None:
    one, two = await sessions(service, 2)
    before = await written(owner)
    error = await refused(service, [patch(one, "billing"), delete(two), delete(one)])
    assert (error.index, type(error.cause)) == (2, InvalidBatch)
    assert await written(owner) == before


async def test_a_batch_is_no_larger_than_a_commit(settings: Settings) -> None:
    small = await open_service(replace(settings, batch_commands=3))
    assert len(await small.commands.handle_all([creation() for _ in range(3)])) == 3
    error = await refused(small, [creation() for _ in range(5)])
    assert (error.index, type(error.cause)) == (3, InvalidBatch)
    await small.close()


async def test_a_batch_stays_within_a_partition(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    await owner.execute("INSERT INTO log_partition VALUES (1, 0, '-infinity')")
    service = await open_service(settings)
    even, odd = (AISessionId(str(UUID(int=number))) for number in (2, 3))
    error = await refused(service, [creation(even), creation(odd)])
    assert (error.index, type(error.cause)) == (1, InvalidBatch)
    (answer,) = await service.commands.handle_all([creation(odd)])
    assert answer.folded.partition == 1
    await service.close()


async def test_a_batch_on_a_stale_memory_is_decided_again(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    one, two, three = await sessions(service, 3)
    await given.patch_ai_session(other_service, two, "billing")
    batch = [patch(one, "sales"), patch(two, "sales"), patch(three, "sales")]
    answers = await service.commands.handle_all(batch)
    assert [answer.folded.version for answer in answers] == [2, 3, 2]
    assert [answer.folded.position for answer in answers] == [5, 6, 7]
    assert len(await topics(owner)) == 7


async def test_a_stream_that_moves_on_each_time_ends_the_batch_in_a_conflict(
    service: Service,
    other_service: Service,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = await sessions(service, 2)
    decisions, append_all = 0, service.log.append_all

    async def overtaken(prepared: Sequence[PreparedAppend]) -> Sequence[Outcome]:
        nonlocal decisions
        decisions += 1
        await given.patch_ai_session(other_service, two, f"other {decisions}")
        return await append_all(prepared)

    monkeypatch.setattr(service.log, "append_all", overtaken)
    error = await refused(service, [patch(one, "mine"), patch(two, "mine")])
    assert decisions == 1 + service.settings.conflict_retries
    assert isinstance(error.cause, Conflict)
    assert (error.index, error.cause.stream) == (1, UUID(two))
    assert error.cause.version == 1 + decisions
    assert len(await topics(owner)) == 2 + decisions


async def test_batches_and_single_commands_on_the_same_sessions_wait_for_each_other_in_a_ring(
    service: Service,
) -> None:
    one, two, three = await sessions(service, 3)

    def work(
        number: int,
    ) -> list[asyncio.Future[Sequence[CommandResult]] | asyncio.Future[CommandResult]]:
        rings = [(one, two), (two, three), (three, one), (three, two, one)]
        batches = [
            [patch(session, f"batch {number} {place}") for session in ring]
            for place, ring in enumerate(rings)
        ]
        return [
            *(asyncio.ensure_future(service.commands.handle_all(batch)) for batch in batches),
            asyncio.ensure_future(given.patch_ai_session(service, two, f"single {number}")),
        ]

    async with asyncio.timeout(patient(30)):
        await asyncio.gather(*(each for number in range(8) for each in work(number)))
    last = await service.commands.handle_all([delete(session) for session in (one, two, three)])
    assert [answer.folded.version for answer in last] == [2 + 8 * changes for changes in (3, 4, 3)]


async def test_writers_of_batches_in_two_processes_half_apply_none(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    one, two = await sessions(service, 2)
    outcomes = await asyncio.gather(
        *(
            each.commands.handle_all([patch(one, purpose), patch(two, purpose)])
            for number in range(12)
            for each, purpose in ((service, f"one {number}"), (other_service, f"two {number}"))
        ),
        return_exceptions=True,
    )
    done = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, BatchRefused)]
    assert done
    assert len(done) + len(lost) == len(outcomes)
    assert all(isinstance(error.cause, Conflict) for error in lost)
    assert all(a.folded.version == b.folded.version for a, b in done)
    assert all(a.folded.state == b.folded.state for a, b in done)
    assert len(await topics(owner)) == 2 + 2 * len(done)


async def test_a_database_that_is_gone_fails_the_batch_and_frees_its_sessions(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = keyed([patch(session, "billing") for session in await sessions(service, 2)])

    def down(prepared: Sequence[PreparedAppend]) -> asyncio.Future[Sequence[Outcome]]:
        raise StoreDown("The database does not answer")

    with monkeypatch.context() as gone:
        gone.setattr(service.log, "append_all", down)
        with pytest.raises(StoreDown):
            await service.commands.handle_all(batch)
    answers = await service.commands.handle_all(batch)
    assert [answer.folded.version for answer in answers] == [2, 2]


async def test_a_caller_of_a_batch_that_goes_away_holds_up_nobody(
    service: Service, owner: asyncpg.Connection
) -> None:
    one, two = await sessions(service, 2)
    batch = keyed([patch(one, "billing"), patch(two, "billing")])
    gone = asyncio.ensure_future(service.commands.handle_all(batch))
    await asyncio.sleep(0)
    gone.cancel()
    answer = await given.patch_ai_session(service, one, "sales")
    assert answer.folded.state.purpose == "sales"
    await service.log.drain()
    again = await service.commands.handle_all(batch)
    assert [answer.folded.state.purpose for answer in again] == ["billing", "billing"]
    assert (await topics(owner)).count("ai_session.patched") == 3
