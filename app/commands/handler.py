"""A command's way: load the aggregate, decide, fold its view row, append, answer."""

from collections.abc import Sequence

from msgspec import Struct

from app.commands.batch import Batches
from app.commands.context import CommandContext, CommandEnvelope, CommandResult, Generated
from app.commands.pipeline import Before, Pipeline
from app.commands.prepared import ResolvedCommand, fingerprint, job_of, used_before
from app.commands.repository import Repository
from app.concurrency.keyed_lock import KeyedLock
from app.database.pool import Pool
from app.log.append import Appender
from app.log.clock import HeadClock
from app.log.errors import Conflict, KeyInFlight, KeyReused, VersionMismatch
from app.log.incarnation import Incarnation
from app.log.keyring import Keyring
from app.queries.views import Views
from app.settings import Settings
from app.telemetry import metrics
from domain.errors import AccountNotFound, DomainError


class CommandHandler:
    """The write side of one worker process."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        views: Views,
        settings: Settings,
        *,
        partitions: int,
        incarnation: Incarnation,
    ) -> None:
        """`partitions`: how many the log has; `incarnation`: of it."""
        self._pool = pool
        self._keyring = keyring
        self._partitions = partitions
        self._tries = 1 + settings.conflict_retries
        self.clock = HeadClock(pool)
        self._appenders = [
            Appender(
                pool,
                number,
                batch=settings.batch_commands,
                deadline_s=settings.store_deadline_s,
                incarnation=incarnation,
                clock=self.clock,
            )
            for number in range(partitions)
        ]
        aggregates = Repository(pool, keyring, settings, partitions=partitions)
        incarnation.on_change(aggregates.memory.clear)
        self._decisions = Pipeline(aggregates, keyring, views)
        self._turns = KeyedLock(settings.turn_wait_s)
        self._keys_in_flight: set[tuple[str, str]] = set()
        self._batches = Batches(
            pool, keyring, settings, self._appenders, self._decisions, self._turns,
            self._keys_in_flight,
        )  # fmt: skip

    async def drain(self) -> None:
        """Return when everything that was submitted is through."""
        for appender in self._appenders:
            await appender.drain()

    async def handle_all(self, commands: Sequence[CommandEnvelope]) -> list[CommandResult]:
        """The aggregates after commands of which all are done, or none.

        Each is for a stream of its own. Either all have an idempotency key, each its own, or none
        has one; a key that comes back in another batch is refused as reused.

        Raises BatchRefused, with the place of the command at fault, or StoreDown.
        """
        return await self._batches.handle(commands)

    async def handle(
        self, command: Struct, call: CommandContext, drawn: Generated | None = None
    ) -> CommandResult:
        """The aggregate after a command; what the command changed is on disk.

        `drawn`: what the service drew for it, if anything.

        Raises DomainError when the domain refuses it, VersionMismatch, Conflict, KeyReused,
        KeyInFlight, or StoreDown.
        """
        key = call.metadata.idempotency_key
        if key is None:
            job = job_of(command, call, drawn, self._partitions)
            if job.is_new:
                return await self._decisions.answered(job, await self._carry_out(job))
            async with self._turns.of(job.stream.int):
                done = await self._carry_out(job)
            return await self._decisions.answered(job, done)
        in_flight = (call.actor, key)
        if in_flight in self._keys_in_flight:
            raise KeyInFlight
        self._keys_in_flight.add(in_flight)
        try:
            asked = fingerprint(self._keyring, command, drawn)
            job = job_of(command, call, drawn, self._partitions, asked)
            async with self._turns.of(job.stream.int):
                done = await self._carry_out_once(job)
            return await self._decisions.answered(job, done)
        finally:
            self._keys_in_flight.remove(in_flight)

    async def answered_before(
        self, command: Struct, call: CommandContext, drawn: Generated | None = None
    ) -> CommandResult | None:
        """The answer that an earlier command with the same idempotency key had; None: none had.

        Raises DomainError if the command names no stream, KeyReused, Unreadable, or StoreDown.
        """
        if call.metadata.idempotency_key is None:
            return None
        asked = fingerprint(self._keyring, command, drawn)
        job = job_of(command, call, drawn, self._partitions, asked)
        used = await used_before(self._pool, job)
        return None if used is None else await self._decisions.answered(job, used)

    async def _carry_out_once(self, job: ResolvedCommand) -> CommandResult | Before:
        try:
            return await self._carry_out(job)
        except (DomainError, VersionMismatch):
            used = await used_before(self._pool, job)
            if used is None:
                raise
            return used

    async def _carry_out(self, job: ResolvedCommand) -> CommandResult | Before:
        draft = await self._decisions.from_memory(job)
        for _ in range(self._tries):
            if draft is None:
                draft = await self._decisions.from_store(job)
            outcome = await self._appenders[job.partition].append(draft.entry)
            if outcome.outcome in ("appended", "replayed"):
                return self._decisions.answer(draft, outcome)
            if outcome.outcome == "key_reused":
                raise KeyReused
            if outcome.outcome == "no_account":
                raise AccountNotFound(draft.entry.context.account or "")
            metrics.CONFLICTS.inc()
            draft = None
        raise Conflict(job.stream, outcome.version)
