"""Retries on a stream of very many events are answered as of then."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg
import pytest
from support import given
from support.batches import creation, keyed, patch
from support.database import ONE_PARTITION
from support.deep import deepen_ai
from support.deep_reads import DEEP, Statements, aggregates, longest_turn, stream_of
from support.seen import without_replay

from app.log.errors import Unreadable
from app.log.read import STREAM_PAGE_EVENTS
from app.service import Service
from domain.ai_session import ClearAISessionActions, ProposeAISessionAction
from domain.ids import AISessionId


async def test_a_retry_is_answered_as_of_then_while_others_go_on(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId,
    watch: Callable[[Service], Statements],
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    first = await given.patch_ai_session(service, session, "mine", given.call(key="k"))
    await deepen_ai(owner, stream, DEEP)
    watched = watch(other_service)
    retry = asyncio.ensure_future(
        given.patch_ai_session(other_service, session, "mine", given.call(key="k"))
    )
    longest, whole = await longest_turn(retry)
    again = retry.result()
    assert (again.folded, again.replayed) == (first.folded, True)
    assert watched.rows <= STREAM_PAGE_EVENTS
    assert longest < whole / 10


async def test_what_one_who_lost_patience_asked_for_is_there_when_he_asks_again(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId,
    watch: Callable[[Service], Statements],
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    first = await given.patch_ai_session(service, session, "mine", given.call(key="k"))
    await given.patch_ai_session(service, session, "others")
    watched = watch(other_service)
    for _ in range(3):
        retry = asyncio.ensure_future(
            given.patch_ai_session(other_service, session, "mine", given.call(key="k"))
        )
        seen = watched.count
        while watched.count < seen + 8 and not retry.done():
            await asyncio.sleep(0)
        retry.cancel()
        await asyncio.gather(retry, return_exceptions=True)
    again = await given.patch_ai_session(other_service, session, "mine", given.call(key="k"))
    assert again.folded == first.folded
    assert watched.count < DEEP / STREAM_PAGE_EVENTS + 40  # read once, not four times


@ONE_PARTITION
async def test_nobody_waits_for_the_answer_to_a_batch_that_is_sent_again(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId
) -> None:
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    batch = keyed([patch(session, "mine"), creation()])
    first = await service.commands.handle_all(batch)
    last = await deepen_ai(owner, stream, DEEP)
    retry = asyncio.ensure_future(other_service.commands.handle_all(batch))
    await asyncio.sleep(0)  # it has its turn
    answer = await given.patch_ai_session(other_service, session, "others")
    assert answer.folded.version == last + 1
    assert not retry.done()
    assert [without_replay(again) for again in await retry] == first


async def test_what_was_folded_is_not_told_without_the_key(
    service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service, purpose=None))
    await given.patch_ai_session(service, session, "personal")  # between two that are not
    action = ProposeAISessionAction(
        session_id=session, action_id="a", proposed_at=datetime.now(UTC), function_name="call"
    )
    await service.commands.handle(action, given.call())
    await service.commands.handle(ClearAISessionActions(session_id=session), given.call())
    await given.patch_ai_session(service, session, "later")
    known, stream = aggregates(service), stream_of(session)
    assert (await known.as_of("ai_session", stream, 4)).state.purpose == "personal"
    await owner.execute("DELETE FROM stream_key WHERE stream_id = $1", stream)
    with pytest.raises(Unreadable, match="key of the stream is gone"):
        await known.as_of("ai_session", stream, 4)
