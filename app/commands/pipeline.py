"""What a command comes to: before its append the draft of it, after its append the answer.

A folded aggregate in memory may be behind the log, or of one that another took the place of. So
it may *approve* a command (the append checks that the stream's last event is the one it was decided
on) but never refuse one: before that the database is asked.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import msgspec

from app.commands.context import CommandResult
from app.commands.prepared import PreparedAppend, ResolvedCommand
from app.commands.repository import Repository
from app.commands.snapshots import Snapshot
from app.database.uuids import new_uuid
from app.log import codec
from app.log.append import Context, Entry, NewEvent, Outcome, Row
from app.log.errors import VersionMismatch
from app.log.keyring import Keyring
from app.log.read import IdempotencyRecord
from app.queries.views import Views
from domain.errors import DomainError, NotFound
from domain.event import Event
from domain.ids import AccountId
from projections.catalog import CURRENT, rows_of
from projections.fold import advance

Before = Outcome | IdempotencyRecord
"""Says at which version a stream was when the first command with a key was through."""

_ENCODER = msgspec.json.Encoder()
_NO_ROWS = (("", None, None),)
"""Of a command that changes nothing."""


class Pipeline:
    """Decides jobs, drafts what they append, and answers them."""

    def __init__(self, aggregates: Repository, keyring: Keyring, views: Views) -> None:
        """`views` answers for the names of accounts."""
        self._aggregates = aggregates
        self._keyring = keyring
        self._views = views

    async def from_memory(self, job: ResolvedCommand) -> PreparedAppend | None:
        """The draft on what is remembered; None if that is nothing, or would refuse the command.

        Raises DomainError or VersionMismatch for a new stream: of that, memory knows all.
        """
        if job.is_new:
            known: Snapshot | None = Snapshot()
        else:
            known = self._aggregates.memory.get(job.target.kind, job.stream)
        if known is None:
            return None
        try:
            return await self._decide(job, known)
        except (DomainError, VersionMismatch):
            if job.is_new:
                raise
            return None

    async def from_store(self, job: ResolvedCommand) -> PreparedAppend:
        """The draft on what the database knows.

        Raises DomainError, VersionMismatch, Unreadable, or StoreDown.
        """
        known = await self._aggregates.load(job.target.kind, job.stream)
        return await self._decide(job, known)

    async def _decide(self, job: ResolvedCommand, known: Snapshot) -> PreparedAppend:
        await self._aggregates.slices.turn(known.doc_bytes)
        return self._draft(job, known, _decided(job, known))

    def answer(self, draft: PreparedAppend, outcome: Outcome) -> CommandResult | Before:
        """The answer to a draft that was appended; what it led to is remembered.

        Of a retry, the outcome itself.
        """
        if outcome.outcome == "replayed":
            return outcome
        job, entry, before = draft.job, draft.entry, draft.known.folded
        if not entry.events:
            assert before is not None  # noqa: S101  # only what exists can stay as it is
            return CommandResult(before, outcome.account_name)
        assert outcome.position is not None  # noqa: S101  # what was appended has a place
        assert outcome.recorded_at is not None  # noqa: S101
        folded = advance(
            before,
            draft.state,
            stream=job.stream,
            partition=job.partition,
            version=outcome.version,
            position=outcome.position,
            actor=job.call.actor,
            at=outcome.recorded_at,
        )
        self._aggregates.memory.remember(
            job.target.kind,
            job.stream,
            Snapshot(folded, entry.events[-1].event_id, draft.box, len(entry.doc or "")),
        )
        return CommandResult(folded, outcome.account_name)

    async def answered(self, job: ResolvedCommand, done: CommandResult | Before) -> CommandResult:
        """The answer to a job that was carried out; of a retry, the first one.

        To be asked outside of the job's turn: in a deep stream that takes long to find. Raises
        Unreadable, or StoreDown.
        """
        if isinstance(done, CommandResult):
            return done
        folded = await self._aggregates.as_of(job.target.kind, done.stream, done.version)
        account = job.target.account(folded.state)
        name = None if account is None else await self._views.account_name(AccountId(account))
        return CommandResult(folded, name, replayed=True)

    def _draft(
        self, job: ResolvedCommand, known: Snapshot, events: Sequence[Event]
    ) -> PreparedAppend:
        before = known.folded
        view = CURRENT[job.target.kind]
        state: Any = reduce(view.evolve, events, None if before is None else before.state)
        box, wrapped = known.box, None
        new_events = []
        for event in events:
            plain, secret = codec.split(event)
            if secret and box is None:
                box, wrapped = self._keyring.new(job.stream)
            stored = codec.encode(event.topic, plain, secret, job.stream, box)
            new_events.append(NewEvent(event.topic, stored, new_uuid()))
        call = job.call
        (_, doc, search), *others = rows_of(view.kind, state) if events else _NO_ROWS
        entry = Entry(
            context=Context(
                actor=call.actor,
                metadata=_ENCODER.encode(call.metadata).decode(),
                view=view.name,
                account=job.target.account(state),
            ),
            stream=job.stream,
            expected=0 if before is None else before.version,
            last=known.last,
            events=new_events,
            doc=doc,
            search=search,
            further=[Row(*row) for row in others],
            sealing_key=wrapped,
            key=call.metadata.idempotency_key,
            fingerprint=job.fingerprint,
        )
        return PreparedAppend(job, known, entry, state, box)


def _decided(job: ResolvedCommand, known: Snapshot) -> Sequence[Event]:
    folded = known.folded
    state = None if folded is None else folded.state
    demanded = job.call.if_version
    version = 0 if folded is None else folded.version  # 0: nothing is there to match
    matches = demanded is None or version in demanded
    if matches and version not in job.call.unless_version:
        return job.target.decide(job.command, state)
    try:
        job.target.decide(job.command, state)
    except NotFound:
        raise
    except DomainError:
        pass  # what the present state does not allow was meant for another
    raise VersionMismatch(version)
