"""A command together with its target stream."""

from msgspec import Struct

from app.commands.context import CommandContext, CommandEnvelope
from app.commands.registry import TARGETS, AggregateType
from domain.ids import StreamId


class ResolvedCommand(Struct, frozen=True, gc=False):
    """A command with all that is needed to carry it out."""

    command: Struct
    call: CommandContext
    target: AggregateType
    stream: StreamId
    is_new: bool
    """Whether the stream was generated for this command: then it needs no load and no lock."""
    fingerprint: bytes | None = None
    """Identifies the command behind its idempotency key; None without a key."""


def resolve(asked: CommandEnvelope, fingerprint: bytes | None = None) -> ResolvedCommand:
    """A command on the stream that was generated for it, else on the stream that it names.

    Raises DomainError if it names no stream.
    """
    target = TARGETS[type(asked.command)]
    new = None if asked.drawn is None else asked.drawn.stream
    stream = target.stream(asked.command) if new is None else new
    return ResolvedCommand(asked.command, asked.call, target, stream, new is not None, fingerprint)
