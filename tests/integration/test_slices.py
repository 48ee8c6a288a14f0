"""Large sessions are read and changed one a pass of the loop, however many are asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from support import given
from support.batches import keyed, patch, refused
from support.database import ONE_PARTITION
from support.passes import passes

from app.codecs.answer_budget import AnswerTooLarge
from app.commands.context import CommandResult
from app.service import Service, open_service
from app.settings import Settings
from domain.ai_session import ProposeAISessionAction
from domain.ids import AISessionId, StreamId, ai_session_stream

SESSIONS = 12
TEXT = "\"\\é&'" * 13_000
"""Which takes longer to read and write than plain letters."""
NO_ROOM = 1
"""For an answer, so that a batch is refused as soon as it is decided."""
SHARE = 1 / 4
"""Of all that is done on the loop, no pass does more."""


@pytest.fixture
async def large(service: Service) -> Sequence[AISessionId]:
    """Sessions of half a mebibyte each."""
    return [await large_session(service) for _ in range(SESSIONS)]


async def large_session(service: Service) -> AISessionId:
    session = given.session_of(await given.open_ai_session(service, purpose="sales"))
    for number in range(4):
        command = ProposeAISessionAction(
            session_id=session, action_id=f"{number}", proposed_at=datetime.now(UTC),
            function_name="f", arguments=TEXT, description=TEXT,
        )  # fmt: skip
        await service.commands.handle(command, given.call())
    return session


def stream(session: AISessionId) -> StreamId:
    found = ai_session_stream(session)
    assert found is not None
    return found


async def read(service: Service, sessions: Sequence[AISessionId]) -> None:
    await asyncio.gather(*(service.views.get("ai_session", stream(each)) for each in sessions))


async def decide(service: Service, sessions: Sequence[AISessionId]) -> None:
    await asyncio.gather(*(given.patch_ai_session(service, each, None) for each in sessions))


async def decide_together(service: Service, sessions: Sequence[AISessionId]) -> None:
    """And write nothing: the statement that does is sent in one go."""
    error = await refused(service, [patch(each, "billing") for each in sessions])
    assert type(error.cause) is AnswerTooLarge


async def ask(service: Service, sessions: Sequence[AISessionId]) -> Sequence[CommandResult]:
    return await service.commands.handle_all(keyed([patch(each, "sold") for each in sessions]))


async def ask_again(service: Service, sessions: Sequence[AISessionId]) -> None:
    assert all(answer.replayed for answer in await ask(service, sessions))


Work = Callable[[Service, Sequence[AISessionId]], Awaitable[None]]


@pytest.mark.parametrize("work", [read, decide, decide_together, ask_again])
@ONE_PARTITION
async def test_large_sessions_that_are_not_in_memory(
    service: Service, settings: Settings, large: Sequence[AISessionId], work: Work
) -> None:
    await ask(service, large)
    await assert_in_slices(replace(settings, cache_bytes=0), large, work)


@ONE_PARTITION
async def test_a_batch_of_large_sessions_in_memory(
    settings: Settings, large: Sequence[AISessionId]
) -> None:
    await assert_in_slices(settings, large, decide_together)


async def assert_in_slices(settings: Settings, large: Sequence[AISessionId], work: Work) -> None:
    no_room = work is decide_together
    worker = await open_service(replace(settings, answer_bytes=NO_ROOM) if no_room else settings)
    try:
        await decide(worker, large)  # now it has its connections, and remembers what it may
        async with passes() as found:
            await work(worker, large)
    finally:
        await worker.close()
    assert found.longest_s < SHARE * found.spent_s
