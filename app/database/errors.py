"""Errors for things that the database cannot do right now.

StoreError
├── StoreDown  the database cannot be reached, or not written
│   ├── Crowded  too many statements wait for a connection
│   └── Superseded  it has a table no more: a newer release replaced it
└── TooSlow    the request takes the database longer than it may
"""

from app.concurrency.outage import Outage


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
