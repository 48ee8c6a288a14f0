"""Who gives a command and on which conditions, and what it led to."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from domain.ids import StreamId
from projections.fold import Folded


class Metadata(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the log keeps of a call beside the events and the actor."""

    roles: Sequence[str] = ()
    face: str = ""
    operation: str = ""
    correlation_id: str | None = None
    causation_id: str | None = None
    idempotency_key: str | None = None
    trace_id: str | None = None
    client: str | None = None


class Drawn(Struct, frozen=True):
    """The id that the service drew for what is created; a retry draws another."""

    field: str
    """Of the command."""
    stream: StreamId


class Call(Struct, frozen=True, kw_only=True):
    """Who gives a command, and on which conditions."""

    actor: str
    metadata: Metadata
    if_version: frozenset[int] | None = None
    """Versions that the stream may have; None: any."""


class Answer(Struct, frozen=True):
    """What a command led to: the aggregate after it."""

    folded: Folded[Any]
    account_name: str | None
    replayed: bool = False
    """An earlier command with the same idempotency key had this answer already."""
