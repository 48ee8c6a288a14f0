"""The place of a projection in the log, kept in the transaction of what the projection writes."""

from functools import cache
from typing import TypeVar, cast

from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL as Composable
from psycopg.sql import Identifier

from app.database.sql import blocks
from app.followers.library.datastore import LogDatastore

SQL = blocks(__file__)
V = TypeVar("V", bound=PostgresTrackingRecorder)


class LogTracking(PostgresTrackingRecorder):
    """Tracks in our table of followers, so that lag and owner are seen where those of all are.

    It tracks one partition of the log at a time, whatever the application is called.
    """

    datastore: LogDatastore

    def __init__(self, datastore: LogDatastore, *, tracking_table_name: str) -> None:
        """As the library's recorder; the table is made nowhere."""
        super().__init__(datastore, tracking_table_name=tracking_table_name)
        made = Identifier(self.tracking_table_name)
        # The library would keep the place in a table of its own.
        self.sql_create_statements = [
            statement for statement in self.sql_create_statements if made not in list(statement)
        ]
        self.follower = ""
        """The name of the follower."""
        self.partition = 0
        self.is_redriving = False
        """Whether the events are of a stream in quarantine, whose place is kept there."""
        self.token: int | None = None
        """Of the owner's lease; None: it has none, and only the order of positions protects it."""

    def create_table(self) -> None:
        """Make the view's own tables, in their schema."""
        schema = {"schema": self.datastore.schema}
        with self.datastore.get_connection() as connection:
            found = connection.execute(SQL["has_schema"], schema).fetchone()
            if found is None or not found["has_schema"]:
                made = Composable(SQL["make_schema"]).format(schema=Identifier(schema["schema"]))
                connection.execute(made)
        super().create_table()

    def max_tracking_id(self, application_name: str) -> int | None:
        """The position up to which events were taken up; None if none was."""
        if application_name == self.table_migration_identifier:
            return 1  # the form of the library's table
        asked = {"name": self.follower, "partition": self.partition}
        with self.datastore.get_connection() as connection:
            found = connection.execute(SQL["reached"], asked).fetchone()
        return found["position"] or None if found else None

    def _insert_tracking(self, curs: Cursor[DictRow], tracking: Tracking) -> None:
        """Take up an event once. Raises IntegrityError if somebody else did."""
        if self.is_redriving:
            return
        place = {
            "name": self.follower,
            "partition": self.partition,
            "position": tracking.notification_id,
            "lease": f"follow_{self.follower}",
            "token": self.token,
        }
        if curs.execute(SQL["track"], place).fetchone() is None:
            raise IntegrityError(
                f"{self.follower} has taken up {self.partition}:{tracking.notification_id} "
                "before, or another process follows for it now"
            )


@cache
def tracking_in_log(view_class: type[V]) -> type[V]:
    """The library's kind of view, made to track in our table."""
    if issubclass(view_class, LogTracking):
        return view_class
    made = type(view_class.__name__, (LogTracking, view_class), {"__doc__": view_class.__doc__})
    return cast("type[V]", made)
