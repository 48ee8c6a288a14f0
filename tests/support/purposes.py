"""A projection as the library has it taught: the sessions of each purpose, in PostgreSQL."""

from typing import Any
from uuid import UUID

import asyncpg
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection
from msgspec import UNSET
from psycopg.sql import SQL, Identifier

from app.followers.library import origin
from app.service import Service
from domain.ai_session import AISessionCreated, AISessionDeleted, AISessionPatched
from projections.fold import Recorded
from support.histories import audited


class Purposes(PostgresTrackingRecorder):
    """The purpose of each session, and how often it was set."""

    def __init__(self, datastore: PostgresDatastore, *, tracking_table_name: str) -> None:
        super().__init__(datastore, tracking_table_name=tracking_table_name)
        self.table = Identifier(datastore.schema, "purpose")
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (session uuid PRIMARY KEY, purpose text,"
                " taken integer NOT NULL, CONSTRAINT refused CHECK (purpose <> 'refused'))"
            ).format(self.table)
        )

    def set(self, session: Any, purpose: str | None, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as curs:
            self._insert_tracking(curs, tracking)
            curs.execute(
                SQL(
                    "INSERT INTO {} AS p VALUES (%s, %s, 1) ON CONFLICT (session) DO UPDATE"
                    " SET purpose = excluded.purpose, taken = p.taken + 1"
                ).format(self.table),
                (session, purpose),
            )

    def counts(self) -> dict[str | None, int]:
        with self.datastore.transaction() as curs:
            curs.execute(
                SQL("SELECT purpose, count(*) FROM {} GROUP BY purpose").format(self.table)
            )
            return {row["purpose"]: row["count"] for row in curs.fetchall()}


class PurposeCounts(Projection[Purposes]):
    """Which purposes the sessions have."""

    name = "purposes"
    poison = "poison"
    topics = (AISessionCreated.topic, AISessionPatched.topic, AISessionDeleted.topic)

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise AssertionError(f"{domain_event} was not asked for")

    @process_event.register(AISessionCreated | AISessionPatched)
    def _(self, domain_event: AISessionCreated | AISessionPatched, tracking: Tracking) -> None:
        if domain_event.purpose == self.poison:
            raise ValueError("this purpose is poison")
        purpose = None if domain_event.purpose is UNSET else domain_event.purpose
        self.view.set(origin(domain_event).originator_id, purpose, tracking)

    @process_event.register
    def _(self, domain_event: AISessionDeleted, tracking: Tracking) -> None:
        self.view.set(origin(domain_event).originator_id, "deleted", tracking)


async def expected(service: Service) -> dict[UUID, tuple[str | None, int]]:
    """The purpose of each session, and how often it was set."""
    found: dict[UUID, tuple[str | None, int]] = {}
    for event in await audited(service):
        assert isinstance(event.recorded, Recorded)
        if event.topic in PurposeCounts.topics:
            purpose = getattr(event.recorded.event, "purpose", "deleted") or None
            found[event.stream] = purpose, found.get(event.stream, (None, 0))[1] + 1
    return found


async def kept(
    owner: asyncpg.Connection, name: str = "purposes"
) -> dict[UUID, tuple[str | None, int]]:
    """The same, as the projection has it."""
    rows = await owner.fetch(f"SELECT * FROM projection_{name}.purpose")
    return {session: (purpose, taken) for session, purpose, taken in rows}
