"""How many sessions there are of each purpose: a projection that `sessionary project` runs."""

from typing import Any

from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection
from psycopg.sql import SQL, Identifier

from app.followers.library import origin
from domain.ai_session import AISessionCreated, AISessionPatched


class Purposes(PostgresTrackingRecorder):
    """The purpose of each session, in a table of the projection's own."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        self.table = Identifier(datastore.schema, "purpose")
        made = "CREATE TABLE IF NOT EXISTS {} (session uuid PRIMARY KEY, purpose text)"
        self.sql_create_statements.append(SQL(made).format(self.table))

    def set(self, session: object, purpose: object, tracking: Tracking) -> None:
        put = "INSERT INTO {} VALUES (%s, %s) ON CONFLICT (session) DO UPDATE SET purpose = %s"
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)  # in the same transaction: exactly once
            cursor.execute(SQL(put).format(self.table), (session, purpose, purpose))


class SessionsPerPurpose(Projection[Purposes]):
    """Its table is projection_sessionsperpurpose.purpose."""

    topics = (AISessionCreated.topic, AISessionPatched.topic)

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Pass all other events over."""

    @process_event.register(AISessionCreated | AISessionPatched)
    def _(self, domain_event: AISessionCreated | AISessionPatched, tracking: Tracking) -> None:
        self.view.set(origin(domain_event).originator_id, domain_event.purpose or None, tracking)
