"""Errors for things that the database cannot do right now.

StoreError
├── StoreDown  the database cannot be reached, or not written
│   ├── Crowded  too many statements wait for a connection
│   └── Superseded  it has a table no more: a newer release replaced it
└── TooSlow    the request takes the database longer than it may
"""

import asyncpg

from app.concurrency.outage import Outage

TRANSIENT: tuple[type[BaseException], ...] = (
    OSError,  # refused, reset, unreachable; and TimeoutError
    asyncpg.PostgresConnectionError,  # class 08, and ConnectionDoesNotExistError
    asyncpg.OperatorInterventionError,  # class 57: shut down, starting up, cancelled
    asyncpg.InsufficientResourcesError,  # class 53: disk full, too many connections
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28: a password changed under us
    asyncpg.InvalidCatalogNameError,  # 3D000: the database is being replaced
    asyncpg.PostgresSystemError,  # class 58: I/O error
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was the primary
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InternalClientError,  # ended by the server in an answer, or idle a moment before use
)
"""Errors that may pass by themselves; after any, it is unknown whether a statement committed."""


class StoreError(Exception):
    """The database does not do something; the message is for humans."""


class StoreDown(StoreError, Outage):
    """The database cannot be reached, or not written, right now. A retry may succeed."""


class Crowded(StoreDown):
    """Too many statements wait for a connection: this one would wait for too long."""


class Superseded(StoreDown):
    """A table is gone: a later version of a view is live, which workers of a newer release have."""


class TooSlow(StoreError):
    """The request takes the database longer than it may: ask for less."""


class SchemaError(Exception):
    """The database is unsuitable; the message says why and what to do."""
