"""Who gives a command and on which conditions, and what it led to."""

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from domain.ids import StreamId
from projections.fold import Folded


class EventMetadata(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the log keeps of a call beside the events and the actor."""

    roles: Sequence[str] = ()
    face: str = ""
    operation: str = ""
    correlation_id: str | None = None
    causation_id: str | None = None
    idempotency_key: str | None = None
    trace_id: str | None = None
    client: str | None = None


class Generated(Struct, frozen=True):
    """What the service drew for a command: ids and times; a retry draws others."""

    fields: tuple[str, ...]
    """Of the command: they do not tell a retry from another command."""
    stream: StreamId | None = None
    """The stream, if it was drawn too: nobody else knows it yet."""


class CommandContext(Struct, frozen=True, kw_only=True):
    """Who gives a command, and on which conditions."""

    actor: str
    metadata: EventMetadata
    if_version: frozenset[int] | None = None
    """Versions that the stream may have; None: any."""
    unless_version: Container[int] = ()
    """Versions that it must not have; one that is not there yet has none."""
    unmodified_since: datetime | None = None
    """When it may have changed last; None: whenever."""

    def admits(self, folded: Folded[Any] | None) -> bool:
        """Whether a stream is as the caller demands; `folded`: None if it is not there."""
        version = 0 if folded is None else folded.version  # 0: nothing is there to match
        return (
            (self.if_version is None or version in self.if_version)
            and version not in self.unless_version
            and (
                self.unmodified_since is None
                or folded is None
                or folded.audit.modified_at <= self.unmodified_since
            )
        )


class CommandEnvelope(Struct, frozen=True):
    """A command, who gives it on which conditions, and what was drawn for it."""

    command: Struct
    call: CommandContext
    drawn: Generated | None = None


class CommandResult(Struct, frozen=True):
    """What a command led to: the aggregate after it."""

    folded: Folded[Any]
    account_name: str | None
    replayed: bool = False
    """An earlier command with the same idempotency key had this answer already."""
