"""Decides a command and prepares its append; makes its answer after the append.

An aggregate in memory may be behind the log, or come from a log that was replaced since. So it may
*approve* a command, for the append checks that the stream's last event is the one that the decision
was made on. It may never refuse a command: that takes a look at the database.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import reduce
from typing import Any

from msgspec import Struct

from app.commands.context import CommandResult
from app.commands.repository import Repository
from app.commands.resolved import ResolvedCommand
from app.commands.snapshots import Snapshot, snapshot_of
from app.concurrency.slices import LARGE
from app.log.codec import refuse_erased
from app.log.entry import Context, PreparedAppend, Row
from app.log.errors import VersionMismatch
from app.log.outcome import Appended, Outcome, Replayed, Unchanged
from app.log.read import IdempotencyRecord
from app.queries.views import Views
from app.telemetry import metrics
from domain.errors import DomainError, NotFound
from domain.ids import AccountId
from projections.catalog import CURRENT, further_rows
from projections.fold import Folded, advance
from projections.sealing import Seal

Before = Replayed | IdempotencyRecord
"""Names the version of a stream after the first command with a key."""


class Decided(Struct, frozen=True, gc=False):
    """A decided command: its append, and the aggregate after it if no other append is faster."""

    job: ResolvedCommand
    known: Snapshot
    """The state that the decision was made on."""
    append: PreparedAppend
    state: Any

    @property
    def size(self) -> int:
        """Size of the aggregate after the command, in bytes of its document."""
        if not self.append.events:
            return self.known.doc_bytes
        doc = self.append.doc or ""
        return len(doc) if doc.isascii() else len(doc.encode())


class Pipeline:
    """Decides commands, prepares their appends, and answers them."""

    def __init__(self, aggregates: Repository, views: Views, seal: Seal) -> None:
        """`views` supplies the names of accounts; `seal` seals what is secret in rows."""
        self._aggregates = aggregates
        self._views = views
        self._seal = seal

    def at_once(self, job: ResolvedCommand) -> Decided | None:
        """A decision on the aggregate in memory; None if it is absent, or would refuse the command.

        None also for a large document: that must wait for its turn.
        """
        if job.is_new:
            known: Snapshot | None = Snapshot()
        else:
            known = self._aggregates.memory.get(job.target.kind, job.stream)
        if known is None or known.doc_bytes >= LARGE:
            return None
        try:
            return _decided(job, known, self._seal)
        except (DomainError, VersionMismatch):
            return None

    async def in_turn(self, job: ResolvedCommand, *, is_behind: bool) -> Decided:
        """A decision that `at_once` left: on a large aggregate in memory, else on the database's.

        `is_behind`: the aggregate in memory was overtaken. Raises DomainError, VersionMismatch,
        Unreadable, or StoreDown.
        """
        if job.is_new and not is_behind:
            return _decided(job, Snapshot(), self._seal)  # a new stream is empty: nothing to load
        memory, slices = self._aggregates.memory, self._aggregates.slices
        known = None if is_behind else memory.get(job.target.kind, job.stream)
        if known is not None and known.doc_bytes >= LARGE:
            await slices.turn(known.doc_bytes)
            with suppress(DomainError, VersionMismatch):
                return _decided(job, known, self._seal)
        known = await self._aggregates.load(job.target.kind, job.stream)
        await slices.turn(known.doc_bytes)
        return _decided(job, known, self._seal)

    def answer(self, decided: Decided, outcome: Outcome) -> CommandResult | Before:
        """The answer to an appended command; its aggregate is kept in memory.

        For a retry, the outcome itself.
        """
        before = decided.known.folded
        match outcome:
            case Appended():
                return self._appended(decided, outcome)
            case Unchanged(account_name) if before is not None:
                return CommandResult(before, account_name)
            case Replayed():
                return outcome
            case _:
                raise TypeError(f"a command that was not carried out has no answer: {outcome!r}")

    def _appended(self, decided: Decided, outcome: Appended) -> CommandResult:
        job = decided.job
        folded = advance(
            decided.known.folded,
            decided.state,
            stream=job.stream,
            partition=outcome.partition,
            version=outcome.version,
            position=outcome.position,
            actor=job.call.actor,
            at=outcome.recorded_at,
        )
        known = snapshot_of(folded, outcome.last, outcome.keys, decided.append.doc)
        self._aggregates.memory.remember(job.target.kind, job.stream, known)
        return CommandResult(folded, outcome.account_name)

    async def answered(self, job: ResolvedCommand, done: CommandResult | Before) -> CommandResult:
        """The answer to a command that was carried out; for a retry, the first answer.

        Call it without the stream's lock: the search takes long in a deep stream. Raises
        Unreadable, or StoreDown.
        """
        if isinstance(done, CommandResult):
            return done
        folded = await self._aggregates.as_of(job.target.kind, done.stream, done.version)
        account = job.target.account(folded.state)
        name = None if account is None else await self._views.account_name(AccountId(account))
        metrics.REPLAYS.inc()
        return CommandResult(folded, name, replayed=True)


def _decided(job: ResolvedCommand, known: Snapshot, seal: Seal) -> Decided:
    """A decision. Raises DomainError or VersionMismatch."""
    before, call = known.folded, job.call
    facts = call.facts
    if not call.admits(before):
        _refuse(job, before)
    events = job.target.decide(job.command, before)
    if known.box is not None and known.box.erased:
        refuse_erased(events, known.box)
    view = CURRENT[job.target.kind]
    state: Any = reduce(view.evolve, events, None if before is None else before.state)
    account = job.target.account(state)
    doc: str | None = None
    search: str | None = None
    others: Sequence[tuple[str, str | None, str | None]] = ()
    if events:
        doc = view.doc(job.stream, state, seal)
        others, search = further_rows(view.kind, job.stream, state, seal), view.sought(state)
    append = PreparedAppend(
        context=Context(actor=call.actor, metadata=facts.clear, view=view.name, account=account),
        personal=facts.personal,
        stream=job.stream,
        expected=0 if before is None else before.version,
        last=known.last,
        events=events,
        keys=known.box,
        doc=doc,
        search=search,
        further=[Row(*row) for row in others] if others else (),
        key=call.caller.idempotency_key,
        fingerprint=job.fingerprint,
    )
    return Decided(job, known, append, state)


def _refuse(job: ResolvedCommand, folded: Folded[Any] | None) -> None:
    """Refuse a command whose conditions the stream does not meet."""
    try:
        job.target.decide(job.command, folded)
    except NotFound:
        raise
    except DomainError:
        pass  # the caller meant another state than the present one: the mismatch says so
    raise VersionMismatch(0 if folded is None else folded.version)
