"""A command with what it takes to carry it out, and what tells a retry of it from another."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from app.commands.context import CommandContext, CommandEnvelope, Generated
from app.commands.registry import TARGETS, AggregateType
from app.commands.snapshots import Snapshot
from app.log.append import Entry
from app.log.errors import KeyReused
from app.log.keyring import Keyring, StreamCipher
from app.log.read import Asks, IdempotencyRecord, used_key
from domain.ids import StreamId, partition_of

_SORTED = msgspec.json.Encoder(order="deterministic")


class ResolvedCommand(Struct, frozen=True):
    """A command with what it takes to carry it out."""

    command: Struct
    call: CommandContext
    target: AggregateType
    stream: StreamId
    partition: int
    is_new: bool
    """The stream was drawn for this command: there is nothing to load, and nobody to wait for."""
    fingerprint: bytes | None = None
    """What the idempotency key stands for; None without a key."""


class PreparedAppend(Struct, frozen=True):
    """What a job would append, and the aggregate after it."""

    job: ResolvedCommand
    known: Snapshot
    """What it was decided on."""
    entry: Entry
    state: Any
    box: StreamCipher | None

    @property
    def size(self) -> int:
        """Of the aggregate afterwards, in bytes of its document."""
        if not self.entry.events:
            return self.known.doc_bytes
        doc = self.entry.doc or ""
        return len(doc) if doc.isascii() else len(doc.encode())


def job_of(
    command: Struct,
    call: CommandContext,
    drawn: Generated | None,
    partitions: int,
    fingerprint: bytes | None = None,
) -> ResolvedCommand:
    """A job on the stream that was drawn for the command, else on that which the command names.

    Raises DomainError if it names none.
    """
    target = TARGETS[type(command)]
    new = None if drawn is None else drawn.stream
    stream = target.stream(command) if new is None else new
    partition = partition_of(stream, partitions)
    return ResolvedCommand(command, call, target, stream, partition, new is not None, fingerprint)


async def used_before(store: Asks, job: ResolvedCommand) -> IdempotencyRecord | None:
    """What the job's idempotency key was used for: what is refused now may be the retry of it.

    None if the job has no key, or a new one. Raises KeyReused if it was for another command.
    """
    key = job.call.metadata.idempotency_key
    if key is None:
        return None
    used = await used_key(store, job.partition, job.call.actor, key)
    if used is not None and used.fingerprint != job.fingerprint:
        raise KeyReused from None
    return used


def fingerprint(keyring: Keyring, command: Struct, drawn: Generated | None) -> bytes:
    """Equal for a retry, whatever was drawn for it; another for another command."""
    return keyring.fingerprint(_asked(command, drawn))


def batch_fingerprints(keyring: Keyring, commands: Sequence[CommandEnvelope]) -> Sequence[bytes]:
    """One for each command of a batch, of its place and of the whole batch.

    So a key that comes back in a batch of another length or order is seen to be reused: a batch
    is done as a whole or not at all, never the part of it whose keys are new.
    """
    whole = keyring.fingerprint(b"\n".join([_asked(each.command, each.drawn) for each in commands]))
    return [keyring.fingerprint(whole + b"/%d" % index) for index in range(len(commands))]


def _asked(command: Struct, drawn: Generated | None) -> bytes:
    """What a command asks for, whatever was drawn for it: equal for a retry, in any release.

    The class has the documented operation's name, and fields at their default are left out, so
    that a later release may add some.
    """
    left_out = () if drawn is None else drawn.fields
    fields = {
        field.name: value
        for field in msgspec.structs.fields(command)
        if (value := getattr(command, field.name)) != field.default and field.name not in left_out
    }
    return _SORTED.encode([type(command).__name__, fields])
