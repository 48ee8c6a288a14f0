"""A command's context (actor, conditions, metadata), its envelope and its result."""

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from app.log.facts import Facts
from domain.ids import StreamId
from projections.fold import Folded

_ENCODER = msgspec.json.Encoder()


class EventMetadata(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Facts of a call that the log keeps beside the events and the actor; absent if empty."""

    roles: Sequence[str] = ()
    face: str = ""
    operation: str = ""
    auth: str = ""
    """The means of the actor: `basic`, `cookie` or `token`."""
    token_id: str | None = None
    """The token of the actor, if that was the means."""
    issued_by: str | None = None
    """Who issued that token, if it was another than the actor: either of both may have acted."""
    request_id: str = ""
    """The one that the service gave; empty if the caller gave its own."""
    trace_id: str | None = None
    """Trace of the caller (W3C Trace Context), 32 hexadecimal digits."""
    span_id: str | None = None
    """Span of this request, 16 hexadecimal digits, if the service traces it."""


class Caller(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """Facts of a call that can identify who made it, or were given by it: the log seals them.

    They are members of the same object as EventMetadata for whoever reads them.
    """

    client: str | None = None
    """Address of the caller."""
    request_id: str | None = None
    """X-Request-Id of the caller, if it gave one."""
    correlation_id: str | None = None
    """X-Correlation-Id of the caller: what the requests of one piece of work have in common."""
    causation_id: str | None = None
    """X-Causation-Id of the caller: the message that made it send this one."""
    idempotency_key: str | None = None


NOBODY = Caller()


class Generated(Struct, frozen=True, gc=False):
    """Values that the service generated for a command: ids and times; a retry generates others."""

    fields: tuple[str, ...]
    """Generated fields of the command; the comparison with a retry leaves them out."""
    stream: StreamId | None = None
    """The stream, if it was generated too: nobody else knows it yet."""


class CommandContext(Struct, frozen=True, kw_only=True, gc=False):
    """The actor of a command, and the conditions of its execution."""

    actor: str
    metadata: EventMetadata
    caller: Caller = NOBODY
    if_version: frozenset[int] | None = None
    """Versions that the stream may have; None: any."""
    unless_version: Container[int] = ()
    """Versions that the stream must not have; a stream without events has none."""
    unmodified_since: datetime | None = None
    """The latest time at which the stream may have changed; None: any."""

    @property
    def facts(self) -> Facts:
        """What the log keeps of the call beside its actor."""
        clear = _ENCODER.encode(self.metadata).decode()
        return Facts(clear, {} if self.caller is NOBODY else msgspec.to_builtins(self.caller))

    def admits(self, folded: Folded[Any] | None) -> bool:
        """Whether a stream meets the caller's conditions; `folded`: None if it has no events."""
        version = 0 if folded is None else folded.version  # 0 matches no condition
        return (
            (self.if_version is None or version in self.if_version)
            and version not in self.unless_version
            and (
                self.unmodified_since is None
                or folded is None
                or folded.audit.modified_at <= self.unmodified_since
            )
        )


class CommandEnvelope(Struct, frozen=True, gc=False):
    """A command, its context, and the values that were generated for it."""

    command: Struct
    call: CommandContext
    drawn: Generated | None = None


class CommandResult(Struct, frozen=True, gc=False):
    """The result of a command: the aggregate after it."""

    folded: Folded[Any]
    account_name: str | None
    replayed: bool = False
    """Whether an earlier command with the same idempotency key already had this answer."""
