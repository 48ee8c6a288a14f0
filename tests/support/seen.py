"""What tests look at afterwards."""

from typing import Any

import asyncpg
from msgspec.structs import replace

from app.commands.context import CommandResult
from app.history.one_event import Event


async def topics(owner: asyncpg.Connection) -> list[str]:
    """The names of all stored events, in their order, without their version."""
    rows = await owner.fetch("SELECT topic FROM stored_events ORDER BY notification_id")
    return [row["topic"].removesuffix(".v1") for row in rows]


def without_replay(answer: CommandResult) -> CommandResult:
    """An answer as it was the first time."""
    return replace(answer, replayed=False)


async def logins(owner: asyncpg.Connection) -> int:
    """How many login sessions are stored."""
    count: int = await owner.fetchval("SELECT count(*) FROM login_session")
    return count


def state_of(event: Event) -> dict[str, Any]:
    """The state after an event that shows it."""
    assert isinstance(event.state, dict)
    return event.state
