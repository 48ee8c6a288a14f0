"""A projection as the library has it taught: the sessions of each purpose, in PostgreSQL."""

from typing import Any

from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection
from msgspec import UNSET
from psycopg.sql import SQL, Identifier

from app.followers.library import origin
from domain.ai_session import AISessionCreated, AISessionDeleted, AISessionPatched


class Purposes(PostgresTrackingRecorder):
    """The purpose of each session, and how often it was set."""

    def __init__(self, datastore: PostgresDatastore, *, tracking_table_name: str) -> None:
        super().__init__(datastore, tracking_table_name=tracking_table_name)
        self.table = Identifier(datastore.schema, "purpose")
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (session uuid PRIMARY KEY, purpose text,"
                " taken integer NOT NULL, CHECK (purpose <> 'refused'))"
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
    topics = (AISessionCreated.topic, AISessionPatched.topic, AISessionDeleted.topic)

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise AssertionError(f"{domain_event} was not asked for")

    @process_event.register(AISessionCreated | AISessionPatched)
    def _(self, domain_event: AISessionCreated | AISessionPatched, tracking: Tracking) -> None:
        if domain_event.purpose == "poison":
            raise ValueError("this purpose is poison")
        purpose = None if domain_event.purpose is UNSET else domain_event.purpose
        self.view.set(origin(domain_event).originator_id, purpose, tracking)

    @process_event.register
    def _(self, domain_event: AISessionDeleted, tracking: Tracking) -> None:
        self.view.set(origin(domain_event).originator_id, "deleted", tracking)
