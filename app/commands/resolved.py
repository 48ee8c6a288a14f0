"""A command with the stream that it is for."""

from msgspec import Struct

from app.commands.context import CommandContext, CommandEnvelope
from app.commands.registry import TARGETS, AggregateType
from domain.ids import StreamId


class ResolvedCommand(Struct, frozen=True):
    """A command with what it takes to carry it out."""

    command: Struct
    call: CommandContext
    target: AggregateType
    stream: StreamId
    is_new: bool
    """The stream was drawn for this command: there is nothing to load, and nobody to wait for."""
    fingerprint: bytes | None = None
    """What the idempotency key stands for; None without a key."""


def resolve(asked: CommandEnvelope, fingerprint: bytes | None = None) -> ResolvedCommand:
    """A command on the stream that was drawn for it, else on that which it names.

    Raises DomainError if it names none.
    """
    target = TARGETS[type(asked.command)]
    new = None if asked.drawn is None else asked.drawn.stream
    stream = target.stream(asked.command) if new is None else new
    return ResolvedCommand(asked.command, asked.call, target, stream, new is not None, fingerprint)
