"""What the database cannot do right now.

StoreError
├── StoreDown  it cannot be reached, or not written
└── TooSlow    what was asked for takes it longer than it may
"""

from app.concurrency.outage import Outage


class StoreError(Exception):
    """Something that the database does not do; the message is for humans."""


class StoreDown(StoreError, Outage):
    """The database cannot be reached, or not written, right now. A retry may succeed."""


class TooSlow(StoreError):
    """What was asked for takes the database longer than it may: ask for less."""
