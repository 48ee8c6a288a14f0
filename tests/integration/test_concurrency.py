"""What holds when several change one stream at once, in one process or in two."""

import asyncio

import asyncpg
import pytest
from support import given
from support.seen import topics

from app.commands.context import CommandResult
from app.log.entry import PreparedAppend
from app.log.errors import Conflict
from app.log.keyring import Keyring
from app.log.outcome import Outcome
from app.log.read import Stream, read_streams
from app.service import Service
from domain.ai_session import AISessionPatched
from domain.errors import NotFound
from domain.ids import AISessionId, StreamId, ai_session_stream


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


async def test_a_stream_that_moves_on_each_time_ends_in_a_conflict(
    service: Service, other_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    decisions, append = 0, service.log.append

    async def overtaken(prepared: PreparedAppend) -> Outcome:
        nonlocal decisions
        decisions += 1
        await given.patch_ai_session(other_service, session, f"other {decisions}")
        return await append(prepared)

    monkeypatch.setattr(service.log, "append", overtaken)
    with pytest.raises(Conflict) as refused:
        await given.patch_ai_session(service, session, "mine")
    assert decisions == 1 + service.settings.conflict_retries
    assert refused.value.version == 1 + decisions


def stream_of(session: AISessionId) -> StreamId:
    stream = ai_session_stream(session)
    assert stream is not None
    return stream


async def test_many_writers_of_one_session_lose_no_update(
    service: Service, keyring: Keyring
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    answers = await asyncio.gather(
        *(given.patch_ai_session(service, session, f"purpose {number}") for number in range(32))
    )
    assert [answer.folded.version for answer in answers] == list(range(2, 34))
    stream = stream_of(session)
    place = (service.log.partition(stream), stream)
    (past,) = await read_streams(service.pool, keyring, [place])
    assert isinstance(past, Stream)
    purposes = [
        each.event.purpose for each in past.events if isinstance(each.event, AISessionPatched)
    ]
    assert purposes == [f"purpose {number}" for number in range(32)]


async def test_writers_in_two_processes_lose_no_acknowledged_update(
    service: Service, other_service: Service, keyring: Keyring
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
    done = [answer.folded for answer in answers if isinstance(answer, CommandResult)]
    assert all(isinstance(answer, CommandResult | Conflict) for answer in answers)
    assert len({folded.version for folded in done}) == len(done) >= 1
    stream = stream_of(session)
    place = (service.log.partition(stream), stream)
    (past,) = await read_streams(service.pool, keyring, [place])
    assert isinstance(past, Stream)
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
    await service.log.drain()
    again = await given.patch_ai_session(service, session, "billing", by)
    assert again.folded.state.purpose == "billing"
    assert (await topics(owner)).count("ai_session.patched") == 2
