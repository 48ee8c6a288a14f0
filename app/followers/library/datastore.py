"""The library's connections to our database, and transactions that hold several events."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from eventsourcing.persistence import ProgrammingError
from eventsourcing.postgres import PostgresDatastore
from psycopg import Connection, Error
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow

_CONNECTIONS = 2
_CONNECT_S = 10.0


class LogDatastore(PostgresDatastore):
    """Opens its connections on first use."""

    def __init__(self, url: str, *, schema: str = "") -> None:
        """`url`: of PostgreSQL; `schema`: of the tables that are made. Raises ProgrammingError."""
        try:
            parts: dict[str, Any] = dict(conninfo_to_dict(url))
        except Error:  # its message may hold a part of the password
            raise ProgrammingError("The database URL cannot be understood") from None
        named = {name: parts.pop(name, "") for name in ("dbname", "host", "user", "password")}
        super().__init__(
            **named,
            port=parts.pop("port", ""),
            connect_timeout=_CONNECT_S,
            pool_size=_CONNECTIONS,
            pre_ping=True,  # after a failover, say
            schema=schema,
        )
        assert isinstance(self.pool.kwargs, dict)
        # (No prepared statements: they would not outlive a transaction behind pgbouncer.)
        self.pool.kwargs |= {
            "application_name": "sessionary projection",
            "target_session_attrs": "read-write",
            **parts,
            "prepare_threshold": None,
        }
        self._joined = local()

    @contextmanager
    def joined(self) -> Iterator[Connection[DictRow]]:
        """One transaction for all that this thread does in the block.

        Each transaction inside it is a savepoint: it fails alone, and is on disk with all others.
        """
        with super().get_connection() as connection, connection.transaction():
            self._joined.connection = connection
            try:
                yield connection
            finally:
                self._joined.connection = None

    @contextmanager
    def get_connection(self) -> Iterator[Connection[DictRow]]:
        """A connection: that of the transaction which this thread is in, or one of the pool."""
        joined: Connection[DictRow] | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with super().get_connection() as connection:
            yield connection
