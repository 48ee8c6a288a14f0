"""The way of a command: load its aggregate, decide, fold its view rows, append, answer.

A single command shares its commit with others; a batch is written all or none.
"""

import asyncio
import time
from collections.abc import Container, Coroutine, Sequence
from typing import Any, TypeVar, cast

from msgspec import Struct

from app.codecs.answer_budget import AnswerBudget, AnswerTooLarge
from app.commands.context import CommandContext, CommandEnvelope, CommandResult, Generated
from app.commands.errors import BatchRefused, InvalidBatch
from app.commands.idempotency import KeysInFlight, batch_fingerprints, fingerprint, used_before
from app.commands.pipeline import Before, Decided, Pipeline
from app.commands.repository import Repository
from app.commands.resolved import ResolvedCommand, resolve
from app.concurrency.keyed_lock import KeyedLock
from app.concurrency.time_spent import SPENT, Phase
from app.log.errors import Conflict, KeyReused, Unreadable, VersionMismatch
from app.log.log import Log
from app.log.outcome import AccountMissing, Appended, KeyTaken, Outcome, Overtaken
from app.queries.views import Views
from app.settings import Settings
from app.telemetry import metrics
from domain.errors import AccountNotFound, DomainError
from domain.ids import StreamId

T = TypeVar("T")
_AT_ONCE = 32
"""Commands of a batch that are decided at the same time: bounds the loads of a refused batch."""
_ONLY = 0
"""Place of a single command."""


class CommandHandler:
    """The write side of one worker process."""

    def __init__(self, log: Log, views: Views, settings: Settings) -> None:
        """`views` supplies the names of accounts."""
        self._log = log
        self._most = settings.batch_commands
        self._answer_bytes = settings.answer_bytes
        self._tries = 1 + settings.conflict_retries
        self.aggregates = Repository(log, settings)
        log.incarnation.on_change(self.aggregates.forget)
        self._pipeline = Pipeline(self.aggregates, views, log.seal_in_view)
        self._turns = KeyedLock(settings.turn_wait_s)
        self._keys = KeysInFlight()

    def handle(
        self, command: Struct, call: CommandContext, drawn: Generated | None = None
    ) -> Coroutine[Any, Any, CommandResult]:
        """As `handle_one`; `drawn`: the values that the service generated for it, if any."""
        return self.handle_one(CommandEnvelope(command, call, drawn))

    async def handle_one(self, asked: CommandEnvelope) -> CommandResult:
        """The aggregate after a command; the command's changes are on disk.

        Raises DomainError when the domain refuses it, VersionMismatch, Conflict, KeyReused,
        KeyInFlight, Unreadable, TooManyBefore, or StoreDown.
        """
        try:
            (result,) = await self._handle([self._resolved(asked)])
        except BatchRefused as refused:
            raise refused.cause from refused.cause.__cause__
        return result

    async def handle_all(self, commands: Sequence[CommandEnvelope]) -> Sequence[CommandResult]:
        """The aggregates after commands that are done all or none.

        Each command must be for a different stream. Either all have an idempotency key, each a
        different one, or none has one. A key that comes back in another batch is refused as reused.

        Raises BatchRefused, with the place of the command at fault, TooManyBefore, or StoreDown.
        Faults of the batch itself are raised first.
        """
        return await self._handle(self._all_resolved(commands)) if commands else []

    async def answered_before(self, asked: CommandEnvelope) -> CommandResult | None:
        """The answer to an earlier command with the same idempotency key; None without one.

        Raises DomainError if the command names no stream, KeyReused, Unreadable, or StoreDown.
        """
        job = self._resolved(asked)
        used = await used_before(self._log, job)
        return None if used is None else await self._pipeline.answered(job, used)

    def _resolved(self, asked: CommandEnvelope) -> ResolvedCommand:
        keyed = asked.call.caller.idempotency_key is not None
        return resolve(asked, fingerprint(self._log, asked) if keyed else None)

    def _all_resolved(self, commands: Sequence[CommandEnvelope]) -> list[ResolvedCommand]:
        if len(commands) > self._most:
            raise BatchRefused(
                self._most, InvalidBatch(f"A batch takes {self._most} commands at most")
            )
        prints = batch_fingerprints(self._log, commands)
        jobs: list[ResolvedCommand] = []
        streams: set[StreamId] = set()
        for index, (asked, print_) in enumerate(zip(commands, prints, strict=True)):
            try:
                job = resolve(asked, print_)
                if job.stream in streams:
                    raise InvalidBatch("An earlier command of this batch has the same target")
                if jobs and not self._log.are_together(job.stream, jobs[0].stream):
                    raise InvalidBatch("The targets of this batch are in several partitions")
            except (DomainError, InvalidBatch) as error:
                raise BatchRefused(index, error) from error
            streams.add(job.stream)
            jobs.append(job)
        return jobs

    async def _handle(self, jobs: Sequence[ResolvedCommand]) -> Sequence[CommandResult]:
        held = self._keys.take(jobs)
        try:
            async with self._turns.of_all([job.stream.int for job in jobs if not job.is_new]):
                try:
                    done = await self._carry_out(jobs)
                except BatchRefused as refused:
                    done = await self._done_before(jobs, refused)
            results = [each for each in done if isinstance(each, CommandResult)]
            if len(results) == len(done):
                return results
            # After the lock is released: in a deep stream, a retry's first answer takes long.
            pairs = zip(jobs, done, strict=True)
            return await _all([self._pipeline.answered(*pair) for pair in pairs])
        finally:
            if held:
                self._keys.give_back(held)

    async def _done_before(
        self, jobs: Sequence[ResolvedCommand], refused: BatchRefused
    ) -> Sequence[Before]:
        """The first uses of the keys of commands that are refused now; else raises the refusal."""
        if not isinstance(refused.cause, DomainError | VersionMismatch | AnswerTooLarge):
            raise refused
        # A batch is done as a whole: if the first key was used, all were.
        try:
            first = await used_before(self._log, jobs[_ONLY])
            if first is None:
                raise refused
            others = await _all([used_before(self._log, job) for job in jobs[1:]])
        except KeyReused as reused:
            raise BatchRefused(_ONLY, reused) from None
        found = [first, *(each for each in others if each is not None)]
        if len(found) < len(jobs):
            raise refused
        return found

    async def _carry_out(self, jobs: Sequence[ResolvedCommand]) -> Sequence[CommandResult | Before]:
        behind: Container[int] = ()
        spent = SPENT.get()
        for _ in range(self._tries):
            started = time.perf_counter()
            others_s = 0.0 if spent is None else spent.waiting_s + spent.database_s
            decided = self._known(jobs, behind) or await self._decided(jobs, behind)
            asked = time.perf_counter()
            if spent is not None:
                others_s -= spent.waiting_s + spent.database_s
                spent.deciding_s += max(0.0, asked - started + others_s)
            if len(decided) == 1:
                outcomes: Sequence[Outcome] = [await self._log.append(decided[_ONLY].append)]
            else:
                outcomes = await self._log.append_all([each.append for each in decided])
            if spent is not None and spent.phases is not None:
                spent.phases += _phases(spent.phases, decided, started, asked)
            overtaken = _overtaken(decided, outcomes)
            if not overtaken:
                return list(map(self._pipeline.answer, decided, outcomes))
            metrics.CONFLICTS.inc(len(overtaken))
            behind = overtaken
        first, version = next(iter(overtaken.items()))
        raise BatchRefused(first, Conflict(jobs[first].stream, version))

    def _known(
        self, jobs: Sequence[ResolvedCommand], behind: Container[int]
    ) -> Sequence[Decided] | None:
        """The decision on a single command, as nearly all are, if memory is enough for it."""
        if len(jobs) > 1 or _ONLY in behind:
            return None
        known = self._pipeline.at_once(jobs[_ONLY])
        return None if known is None else [known]

    async def _decided(
        self, jobs: Sequence[ResolvedCommand], behind: Container[int]
    ) -> Sequence[Decided]:
        """All decisions; those at the places in `behind` are made on the database's state."""
        # (A single command returns its aggregate, however large that is.)
        budget = AnswerBudget(self._answer_bytes, "fewer at a time") if len(jobs) > 1 else None
        decided: list[Decided] = []
        for start in range(0, len(jobs), _AT_ONCE):
            for each in await self._decide_some(jobs, start, behind):
                if budget is not None:
                    _spend(budget, each, len(decided))
                decided.append(each)
        return decided

    async def _decide_some(
        self, jobs: Sequence[ResolvedCommand], start: int, behind: Container[int]
    ) -> Sequence[Decided]:
        some = range(start, min(start + _AT_ONCE, len(jobs)))
        known = [None if i in behind else self._pipeline.at_once(jobs[i]) for i in some]
        found = [each for each in known if each is not None]
        if len(found) == len(known):
            return found
        waiting = [i for i, each in zip(some, known, strict=True) if each is None]
        loaded = await _all([self._decide(i, jobs[i], i in behind) for i in waiting])
        refused = next((each for each in loaded if isinstance(each, BatchRefused)), None)
        if refused is not None:
            raise refused
        others = iter(cast("Sequence[Decided]", loaded))
        return [each or next(others) for each in known]

    async def _decide(
        self, index: int, job: ResolvedCommand, is_behind: bool
    ) -> Decided | BatchRefused:
        try:
            return await self._pipeline.in_turn(job, is_behind=is_behind)
        except (DomainError, VersionMismatch, Unreadable) as error:
            return BatchRefused(index, error)


def _phases(
    before: Sequence[Phase], decided: Sequence[Decided], started: float, asked: float
) -> list[Phase]:
    """The decision and the append that has just ended, with the views that it wrote.

    The statement of the append writes the rows of the views, so they have its times.
    """
    ended = time.perf_counter()
    statement = before[-1] if before else Phase("statement", asked, ended)
    views = {each.append.context.view for each in decided if each.append.events}
    views |= {row.view for each in decided for row in each.append.further}
    rows = [
        Phase("write view", statement.since, statement.until, within="append", view=view)
        for view in sorted(views)
    ]
    return [Phase("decide", started, asked), Phase("append", asked, ended), *rows]


def _spend(budget: AnswerBudget, decided: Decided, index: int) -> None:
    try:
        budget.spend(decided.size)
    except AnswerTooLarge as error:
        raise BatchRefused(index, error) from error


def _overtaken(decided: Sequence[Decided], outcomes: Sequence[Outcome]) -> dict[int, int]:
    """The present versions of streams without their expected version, by place.

    Raises BatchRefused for outcomes that no second try would change.
    """
    overtaken: dict[int, int] = {}
    for index, outcome in enumerate(outcomes):
        match outcome:
            case Appended():  # nearly all
                pass
            case Overtaken(version):
                overtaken[index] = version
            case KeyTaken():
                raise BatchRefused(index, KeyReused())
            case AccountMissing():
                unknown = decided[index].append.context.account or ""
                raise BatchRefused(index, AccountNotFound(unknown))
    return overtaken


async def _all(work: Sequence[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """The result of each coroutine; a single one costs no task."""
    return [await work[_ONLY]] if len(work) == 1 else await asyncio.gather(*work)
