"""The log as the `eventsourcing` library reads it: its PERSISTENCE_MODULE.

An `Application` with it reads the log's streams as aggregates; a `Projection` follows the log. All
events come from the service: nothing is written to the log from here.
"""

from app.followers.library.domain_events import Origin, origin
from app.followers.library.factory import LogFactory, SessionLog

__all__ = ["LogFactory", "Origin", "SessionLog", "origin"]
