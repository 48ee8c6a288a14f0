"""Idempotency keys: fingerprints that identify a retry, and the keys in flight."""

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
        """No key is in flight."""
        self._held: set[tuple[str, str]] = set()

    def take(self, jobs: Sequence[ResolvedCommand]) -> Collection[tuple[str, str]]:
        """Take the keys of commands, if they have any; the caller must give them back.

        Raises BatchRefused if a key is in flight, or occurs twice.
        """
        if len(jobs) == 1 and jobs[0].call.caller.idempotency_key is None:
            return ()
        wanted: set[tuple[str, str]] = set()
        for index, job in enumerate(jobs):
            key = job.call.caller.idempotency_key
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
        """Release keys that are no longer in flight."""
        self._held.difference_update(keys)


async def used_before(log: Log, job: ResolvedCommand) -> IdempotencyRecord | None:
    """The earlier use of a command's idempotency key: a refused command may be a retry of it.

    None if the command has no key, or a new one. Raises KeyReused if another command used it.
    """
    key = job.call.caller.idempotency_key
    if key is None:
        return None
    used = await log.used_key(job.stream, job.call.actor, key)
    if used is not None and used.fingerprint != job.fingerprint:
        raise KeyReused from None
    return used


def fingerprint(log: Log, asked: CommandEnvelope) -> bytes:
    """A hash that a retry shares, whatever was generated for it, and another command does not."""
    return log.fingerprint(_asked(asked))


def batch_fingerprints(log: Log, commands: Sequence[CommandEnvelope]) -> Sequence[bytes | None]:
    """One fingerprint for each command of a batch, from its place and the whole batch.

    So a key that comes back in a batch of another length or order counts as reused. A batch is
    done as a whole or not at all, never just the part whose keys are new. Raises ValueError unless
    all commands have a key, or none has.
    """
    keyed = [asked.call.caller.idempotency_key is not None for asked in commands]
    if not any(keyed):
        return [None] * len(commands)
    if not all(keyed):
        raise ValueError("Either all commands of a batch have an idempotency key or none has")
    whole = log.fingerprint(b"\n".join(map(_asked, commands)))
    return [log.fingerprint(whole + b"/%d" % index) for index in range(len(commands))]


def _asked(asked: CommandEnvelope) -> bytes:
    """The client's part of a command, without generated values: equal for a retry, in any release.

    It has the name of the class, which is that of the documented operation. It leaves out fields
    with default values, so that a later release may add fields.
    """
    left_out = () if asked.drawn is None else asked.drawn.fields
    fields = {
        field.name: value
        for field in msgspec.structs.fields(asked.command)
        if (value := getattr(asked.command, field.name)) != field.default
        and field.name not in left_out
    }
    return _SORTED.encode([type(asked.command).__name__, fields])
