"""Commands of which all are done, or none: one append for them all."""

import asyncio
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager

from app.commands.context import CommandEnvelope, CommandResult
from app.commands.pipeline import Before, Pipeline
from app.commands.prepared import (
    PreparedAppend,
    ResolvedCommand,
    batch_fingerprints,
    job_of,
    used_before,
)
from app.concurrency.keyed_lock import KeyedLock
from app.database.pool import Pool
from app.log.append import Appender
from app.log.errors import Conflict, KeyInFlight, KeyReused, Unreadable, VersionMismatch
from app.log.keyring import Keyring
from app.log.read import IdempotencyRecord
from app.queries.answer_budget import AnswerBudget, AnswerTooLarge
from app.settings import Settings
from app.telemetry import metrics
from domain.errors import AccountNotFound, DomainError
from domain.ids import StreamId

_AT_ONCE = 32
"""Commands of a batch that are decided at the same time: bounds what is loaded for one in vain."""


class InvalidBatch(Exception):
    """Commands that cannot be done as one, whatever each of them asks for."""


class BatchRefused(Exception):
    """Nothing of a batch was done, because of one of its commands."""

    def __init__(self, index: int, cause: Exception) -> None:
        """`index`: its place, from 0; `cause`: what it alone would be refused with.

        That is what `CommandHandler.handle` raises, or InvalidBatch, or Unreadable.
        """
        self.index = index
        self.cause = cause
        super().__init__(f"Command {index}: {cause}")


class Batches:
    """Carries out batches; shares turns, keys and appenders with the single commands."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        settings: Settings,
        appenders: Sequence[Appender],
        decisions: Pipeline,
        turns: KeyedLock,
        keys_in_flight: set[tuple[str, str]],
    ) -> None:
        """`appenders`: one for each partition."""
        self._pool = pool
        self._keyring = keyring
        self._most = settings.batch_commands
        self._answer_bytes = settings.answer_bytes
        self._tries = 1 + settings.conflict_retries
        self._appenders = appenders
        self._decisions = decisions
        self._turns = turns
        self._keys_in_flight = keys_in_flight

    async def handle(self, commands: Sequence[CommandEnvelope]) -> list[CommandResult]:
        """As `CommandHandler.handle_all`. What is wrong with the batch itself is told first."""
        jobs = self._jobs(commands)
        if not jobs:
            return []
        with self._in_flight(jobs):
            async with self._turns.of_all([job.stream.int for job in jobs if not job.is_new]):
                done = await self._carry_out_once(jobs)
            return await asyncio.gather(*map(self._decisions.answered, jobs, done))

    def _jobs(self, commands: Sequence[CommandEnvelope]) -> list[ResolvedCommand]:
        if len(commands) > self._most:
            raise BatchRefused(
                self._most, InvalidBatch(f"A batch takes {self._most} commands at most")
            )
        prints = self._fingerprints(commands)
        jobs: list[ResolvedCommand] = []
        streams: set[StreamId] = set()
        for index, (asked, fingerprint) in enumerate(zip(commands, prints, strict=True)):
            try:
                job = job_of(
                    asked.command, asked.call, asked.drawn, len(self._appenders), fingerprint
                )
                if job.stream in streams:
                    raise InvalidBatch("An earlier command of this batch has the same target")
                if jobs and job.partition != jobs[0].partition:
                    raise InvalidBatch("The targets of this batch are in several partitions")
            except (DomainError, InvalidBatch) as error:
                raise BatchRefused(index, error) from error
            streams.add(job.stream)
            jobs.append(job)
        return jobs

    def _fingerprints(self, commands: Sequence[CommandEnvelope]) -> Sequence[bytes | None]:
        keyed = [asked.call.metadata.idempotency_key is not None for asked in commands]
        if not any(keyed):
            return [None] * len(commands)
        if not all(keyed):
            raise ValueError("Either all commands of a batch have an idempotency key or none has")
        return batch_fingerprints(self._keyring, commands)

    @contextmanager
    def _in_flight(self, jobs: Sequence[ResolvedCommand]) -> Iterator[None]:
        held: set[tuple[str, str]] = set()
        for index, job in enumerate(jobs):
            key = job.call.metadata.idempotency_key
            if key is None:
                continue
            if (job.call.actor, key) in self._keys_in_flight:
                raise BatchRefused(index, KeyInFlight())
            if (job.call.actor, key) in held:
                raise BatchRefused(index, KeyReused())
            held.add((job.call.actor, key))
        self._keys_in_flight.update(held)
        try:
            yield
        finally:
            self._keys_in_flight.difference_update(held)

    async def _carry_out_once(
        self, jobs: Sequence[ResolvedCommand]
    ) -> Sequence[CommandResult | Before]:
        try:
            return await self._carry_out(jobs)
        except BatchRefused as refused:
            if not isinstance(refused.cause, DomainError | VersionMismatch | AnswerTooLarge):
                raise
            # A batch is done as a whole: the first key tells, and where it is, all are.
            try:
                first = await used_before(self._pool, jobs[0])
            except KeyReused as reused:
                raise BatchRefused(0, reused) from None
            if first is None:
                raise
            return [first, *[await self._used(job) for job in jobs[1:]]]

    async def _used(self, job: ResolvedCommand) -> IdempotencyRecord:
        used = await used_before(self._pool, job)
        assert used is not None  # noqa: S101  # the caller saw the key of the first command
        return used

    async def _carry_out(self, jobs: Sequence[ResolvedCommand]) -> Sequence[CommandResult | Before]:
        behind: Container[int] = ()
        for _ in range(self._tries):
            drafts = await self._drafts(jobs, behind)
            outcomes = await self._appenders[jobs[0].partition].append_all(
                [draft.entry for draft in drafts]
            )
            told = [outcome.outcome for outcome in outcomes]
            if "key_reused" in told:
                raise BatchRefused(told.index("key_reused"), KeyReused())
            if "no_account" in told:
                index = told.index("no_account")
                unknown = drafts[index].entry.context.account or ""
                raise BatchRefused(index, AccountNotFound(unknown))
            if "conflict" not in told:
                return list(map(self._decisions.answer, drafts, outcomes))
            metrics.CONFLICTS.inc(told.count("conflict"))
            behind = [index for index, each in enumerate(told) if each == "conflict"]
        first = told.index("conflict")
        raise BatchRefused(first, Conflict(jobs[first].stream, outcomes[first].version))

    async def _drafts(
        self, jobs: Sequence[ResolvedCommand], behind: Container[int]
    ) -> list[PreparedAppend]:
        """All decided; those that memory is `behind` for, on what the database knows."""
        budget = AnswerBudget(self._answer_bytes, "fewer at a time")
        drafts: list[PreparedAppend] = []
        for start in range(0, len(jobs), _AT_ONCE):
            decided = await asyncio.gather(
                *(
                    self._draft(job, behind=index in behind)
                    for index, job in enumerate(jobs[start : start + _AT_ONCE], start)
                ),
                return_exceptions=True,
            )
            for draft in decided:
                drafts.append(_fitting(draft, len(drafts), budget))
        return drafts

    async def _draft(self, job: ResolvedCommand, *, behind: bool) -> PreparedAppend:
        draft = None if behind else await self._decisions.from_memory(job)
        return draft or await self._decisions.from_store(job)


def _fitting(
    draft: PreparedAppend | BaseException, index: int, budget: AnswerBudget
) -> PreparedAppend:
    """A draft, unless its command is refused, or the batch's answer would be too large with it."""
    try:
        if isinstance(draft, BaseException):
            raise draft
        budget.spend(draft.size)
    except (DomainError, VersionMismatch, Unreadable, AnswerTooLarge) as error:
        raise BatchRefused(index, error) from error
    return draft
