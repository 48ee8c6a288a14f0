"""Rows of the view of chat sessions, put there without a log: what lists are tried on."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from domain.chat_session import ChatSession
from domain.ids import chat_session_stream
from projections.chat_session_entity import VIEW
from projections.fold import Audit, Folded
from projections.view import ENVELOPE

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def folded(state: ChatSession) -> Folded[ChatSession]:
    """A session as the view has it; those with larger numbers were created later."""
    number = state.chat_session_id
    created = CREATED + timedelta(hours=number)
    return Folded(
        stream=chat_session_stream(number),
        partition=0,
        version=1,
        position=number,
        audit=Audit(
            created_by="kim",
            created_at=created,
            modified_by="kim",
            modified_at=created + timedelta(days=number % 3),
        ),
        state=state,
    )


async def insert(owner: asyncpg.Connection, states: Sequence[ChatSession]) -> None:
    """Put sessions into the view."""
    rows = [row for state in states if (row := VIEW.row(folded(state))) is not None]
    await owner.copy_records_to_table(VIEW.name, records=rows, columns=ENVELOPE)
