"""Commands that tests give as one, and what became of them."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from app.commands.context import CommandEnvelope, Generated
from app.commands.errors import BatchRefused
from app.service import Service
from domain.ai_session import DeleteAISession, NewAISession, PatchAISession
from domain.ids import AISessionId, StreamId
from support import given


def patch(session: AISessionId, purpose: str, if_version: int | None = None) -> CommandEnvelope:
    """A new purpose, for what is at a version if one is demanded."""
    return CommandEnvelope(
        PatchAISession(session_id=session, purpose=purpose), given.call(if_version=if_version)
    )


def delete(session: AISessionId) -> CommandEnvelope:
    """The end of a session."""
    return CommandEnvelope(DeleteAISession(session_id=session), given.call())


def creation(session: AISessionId | None = None) -> CommandEnvelope:
    """A new session, as the service's face creates it: under a drawn id."""
    session = session or given.new_id()
    command = NewAISession(session_id=session, purpose="triage")
    return CommandEnvelope(
        command, given.call(), Generated(("session_id",), StreamId(UUID(session)))
    )


def keyed(batch: Sequence[CommandEnvelope], key: str = "k") -> list[CommandEnvelope]:
    """The same commands, each with a key of its own, as a face derives them from one."""
    return [
        replace(asked, call=given.call(key=f"{key}/{index}")) for index, asked in enumerate(batch)
    ]


async def sessions(service: Service, count: int) -> list[AISessionId]:
    """So many sessions, just created."""
    return [given.session_of(await given.open_ai_session(service)) for _ in range(count)]


async def refused(service: Service, batch: Sequence[CommandEnvelope]) -> BatchRefused:
    """What a batch is refused with."""
    with pytest.raises(BatchRefused) as caught:
        await service.commands.handle_all(batch)
    return caught.value


async def written(owner: asyncpg.Connection) -> tuple[int, int, int]:
    """How much there is of all that a batch writes."""
    row = await owner.fetchrow(
        "SELECT (SELECT count(*) FROM stored_events), (SELECT count(*) FROM idempotency_key),"
        " (SELECT position FROM log_partition)"
    )
    assert row is not None
    return tuple(row)
