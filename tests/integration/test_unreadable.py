"""What cannot be read hurts nobody else."""

import asyncio

import asyncpg
import pytest
from support import given

from app.log.errors import Unreadable
from app.service import Service
from domain.ids import StreamId


async def test_a_stream_that_cannot_be_opened_keeps_no_other_from_its_command(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    broken = given.session_of(await given.open_ai_session(service))
    whole = given.session_of(await given.open_ai_session(service))
    await owner.execute("DELETE FROM stream_key WHERE stream_id = $1", broken)
    # Two look-ups at once share a query: the other process has neither session in memory.
    fails, works = await asyncio.gather(
        given.patch_ai_session(other_service, broken, "a"),
        given.patch_ai_session(other_service, whole, "b"),
        return_exceptions=True,
    )
    assert isinstance(fails, Unreadable)
    assert not isinstance(works, BaseException)
    assert works.folded.state.purpose == "b"


async def test_a_row_that_cannot_be_read_keeps_no_other_from_its_reader(
    service: Service, owner: asyncpg.Connection
) -> None:
    answers = [await given.open_ai_session(service) for _ in range(2)]
    broken, whole = (StreamId(answer.folded.stream) for answer in answers)
    await owner.execute(
        """UPDATE ai_session_info SET doc = '{"purpose": 7}' WHERE stream_id = $1""", broken
    )
    fails, works = await asyncio.gather(
        service.views.get("ai_session", broken),
        service.views.get("ai_session", whole),
        return_exceptions=True,
    )
    assert isinstance(fails, Unreadable)
    assert not isinstance(works, BaseException)
    assert works is not None
    assert works.folded.stream == whole


@pytest.mark.parametrize("purpose", ["x" * 10, None])
async def test_a_retry_of_a_creation_is_known_although_its_id_is_drawn_anew(
    service: Service, purpose: str | None
) -> None:
    first = await given.open_ai_session(service, purpose=purpose, key="k")
    again = await given.open_ai_session(service, purpose=purpose, key="k")
    assert again.replayed
    assert again.folded == first.folded
