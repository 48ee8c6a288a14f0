"""Rows of the view of chat sessions, put there without a log: what lists are tried on."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
from msgspec.structs import replace

from app.log.keyring import Keyring
from domain.chat.carriers import Associate, Contact, Person
from domain.chat.enums import ChatSessionStatus
from domain.chat.session import ChatSession
from domain.date_time import DateTime
from domain.ids import ChatSessionId, chat_session_stream
from projections.chat_session_entity import VIEW
from projections.fold import Audit, Folded
from projections.view import WRITTEN
from support import database

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def session(number: int, **given: object) -> ChatSession:
    """A session that has nothing but what is given."""
    return replace(ChatSession(chat_session_id=ChatSessionId(number)), **given)


SAMPLES = [
    session(
        1,
        topic_id=3,
        status=ChatSessionStatus.IN_QUEUE,
        rating=5,
        first_message="Hello, it's 50% off_",
        when_requested=DateTime("2026-11-21T08:00:00Z"),
        person=Person(person_id=8, firstname="Søren", full_name="Søren B"),
        session_key="aliquam",
    ),
    session(
        2,
        status=ChatSessionStatus.CLOSED,
        rating=1,
        first_message="HELLO back\\slash",
        last_message="",
        when_requested=DateTime("2026-11-20T23:30:00-01:00"),
        when_started=DateTime("2026-11-21T00:31:30Z"),
        when_ended=DateTime("2026-11-21T00:41:30.9999999Z"),
        user=Associate(associate_id=7, name="kim", full_name="Kim K", ej_user_id=70),
        contact=Contact(contact_id=9, name="Acme"),
    ),
    session(
        3,
        status=ChatSessionStatus.FINISHED,
        rating=-2,
        initial_queue_pos=4,
        when_requested=DateTime("2026-10-31T12:00:00.0000001"),
        when_started=DateTime("2026-10-31T11:00:00"),
        user=Associate(associate_id=6, name="lee", full_name=""),
    ),
    session(4, first_message="A 'quoted' hello", when_requested=DateTime("2025-12-31")),
    session(5),
]


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
    seal = Keyring(database.MASTER_KEY).seal_in_view
    rows = [row for state in states if (row := VIEW.row(folded(state), seal)) is not None]
    await owner.copy_records_to_table(VIEW.name, records=rows, columns=WRITTEN)
