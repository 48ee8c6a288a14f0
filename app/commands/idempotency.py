"""Idempotency keys: what tells a retry from another command, and which are in flight."""

from collections.abc import Collection, Sequence

import msgspec

from app.commands.context import CommandEnvelope
from app.commands.errors import BatchRefused
from app.commands.resolved import ResolvedCommand
from app.log.errors import KeyInFlight, KeyReused
from app.log.log import Log
from app.log.read import IdempotencyRecord

_SORTED = msgspec.json.Encoder(order="deterministic")


class KeysInFlight:
    """The keys of the commands that this process is carrying out."""

    def __init__(self) -> None:
        """None is."""
        self._held: set[tuple[str, str]] = set()

    def take(self, jobs: Sequence[ResolvedCommand]) -> Collection[tuple[str, str]]:
        """The keys of commands, to be given back; those without a key have none.

        Raises BatchRefused if one is in flight, or comes twice.
        """
        wanted: set[tuple[str, str]] = set()
        for index, job in enumerate(jobs):
            key = job.call.metadata.idempotency_key
            if key is None:
                continue
            if (job.call.actor, key) in self._held:
                raise BatchRefused(index, KeyInFlight())
            if (job.call.actor, key) in wanted:
                raise BatchRefused(index, KeyReused())
            wanted.add((job.call.actor, key))
        self._held |= wanted
        return wanted

    def give_back(self, keys: Collection[tuple[str, str]]) -> None:
        """They are in flight no longer."""
        self._held.difference_update(keys)


async def used_before(log: Log, job: ResolvedCommand) -> IdempotencyRecord | None:
    """What a command's idempotency key was used for: what is refused now may be the retry of it.

    None if the command has no key, or a new one. Raises KeyReused if it was for another command.
    """
    key = job.call.metadata.idempotency_key
    if key is None:
        return None
    used = await log.used_key(job.stream, job.call.actor, key)
    if used is not None and used.fingerprint != job.fingerprint:
        raise KeyReused from None
    return used


def fingerprint(log: Log, asked: CommandEnvelope) -> bytes | None:
    """Equal for a retry, whatever was drawn for it; another for another command.

    None without a key: then nothing is compared.
    """
    if asked.call.metadata.idempotency_key is None:
        return None
    return log.fingerprint(_asked(asked))


def batch_fingerprints(log: Log, commands: Sequence[CommandEnvelope]) -> Sequence[bytes | None]:
    """One for each command of a batch, of its place and of the whole batch.

    So a key that comes back in a batch of another length or order is seen to be reused: a batch
    is done as a whole or not at all, never the part of it whose keys are new. Raises ValueError
    unless all commands have a key, or none has.
    """
    keyed = [asked.call.metadata.idempotency_key is not None for asked in commands]
    if not any(keyed):
        return [None] * len(commands)
    if not all(keyed):
        raise ValueError("Either all commands of a batch have an idempotency key or none has")
    whole = log.fingerprint(b"\n".join(map(_asked, commands)))
    return [log.fingerprint(whole + b"/%d" % index) for index in range(len(commands))]


def _asked(asked: CommandEnvelope) -> bytes:
    """What a command asks for, whatever was drawn for it: equal for a retry, in any release.

    The class has the documented operation's name, and fields at their default are left out, so
    that a later release may add some.
    """
    left_out = () if asked.drawn is None else asked.drawn.fields
    fields = {
        field.name: value
        for field in msgspec.structs.fields(asked.command)
        if (value := getattr(asked.command, field.name)) != field.default
        and field.name not in left_out
    }
    return _SORTED.encode([type(asked.command).__name__, fields])
