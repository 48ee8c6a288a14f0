"""One command's way: load the aggregate, decide, fold its view row, append, answer.

A folded aggregate in memory may be behind the log, because other processes write too. So it may
*approve* a command (the append checks the version) but never refuse one: before that the database
is asked.
"""

import asyncio
from collections.abc import Sequence
from functools import reduce
from typing import Any

import msgspec
from msgspec import Struct

from app import metrics
from app.cache import Cache, Known
from app.calls import Answer, Call, Drawn
from app.log import codec
from app.log.append import Appender, Context, Entry, NewEvent, Outcome
from app.log.batcher import Batcher
from app.log.errors import Conflict, KeyInFlight, KeyReused, Unreadable, VersionMismatch
from app.log.keyring import Box, Keyring
from app.log.pool import Pool
from app.log.read import Stream, read_boxes, read_streams, used_key
from app.new_uuid import new_uuid
from app.settings import Settings
from app.targets import TARGETS, Target
from app.turns import Turns
from app.views import Views
from domain.errors import DomainError
from domain.event import Event
from domain.ids import AccountId, StreamId, partition_of
from projections.catalog import VIEWS
from projections.fold import Folded, advance, fold

_ENCODER = msgspec.json.Encoder()
_SORTED = msgspec.json.Encoder(order="deterministic")


class _Job(Struct, frozen=True):
    """A command with what it takes to carry it out."""

    command: Struct
    call: Call
    target: Target
    stream: StreamId
    partition: int
    is_new: bool
    """The stream was drawn for this command: there is nothing to load, and nobody to wait for."""
    fingerprint: bytes | None = None


class Commands:
    """The write side of one worker process."""

    def __init__(
        self, pool: Pool, keyring: Keyring, views: Views, settings: Settings, *, partitions: int
    ) -> None:
        """`partitions`: how many the log has."""
        self._pool = pool
        self._views = views
        self._keyring = keyring
        self._partitions = partitions
        self._tries = 1 + settings.conflict_retries
        self._appenders = [
            Appender(
                pool, number, batch=settings.batch_commands, deadline_s=settings.store_deadline_s
            )
            for number in range(partitions)
        ]
        self._boxes = Batcher[StreamId, Box | None](self._open, settings.batch_lookups)
        self._loads = Batcher[StreamId, Stream | None](self._read, settings.batch_lookups)
        self._cache = Cache(settings.cache_bytes)
        self._turns = Turns()
        self._keys_in_flight: set[tuple[str, str]] = set()

    async def drain(self) -> None:
        """Return when everything that was submitted is through."""
        for appender in self._appenders:
            await appender.drain()

    async def handle(self, command: Struct, call: Call, drawn: Drawn | None = None) -> Answer:
        """The aggregate after a command; what the command changed is on disk.

        `drawn` for a creation under an id that the service drew: nobody else knows the stream yet.

        Raises DomainError when the domain refuses it, VersionMismatch, Conflict, KeyReused,
        KeyInFlight, or StoreDown.
        """
        target = TARGETS[type(command)]
        stream = target.stream(command) if drawn is None else drawn.stream
        partition = partition_of(stream, self._partitions)
        key = call.metadata.idempotency_key
        if key is None:
            job = _Job(command, call, target, stream, partition, drawn is not None)
            if job.is_new:
                return await self._carry_out(job)
            async with self._turns.of(stream):
                return await self._carry_out(job)
        in_flight = (call.actor, key)
        if in_flight in self._keys_in_flight:
            raise KeyInFlight
        self._keys_in_flight.add(in_flight)
        try:
            fingerprint = self._keyring.fingerprint(_asked(command, drawn))
            job = _Job(command, call, target, stream, partition, drawn is not None, fingerprint)
            async with self._turns.of(stream):
                return await self._carry_out_once(job)
        finally:
            self._keys_in_flight.remove(in_flight)

    async def _carry_out_once(self, job: _Job) -> Answer:
        try:
            return await self._carry_out(job)
        except (DomainError, VersionMismatch):
            # What is refused now may be the retry of what was done then.
            key = job.call.metadata.idempotency_key
            assert key is not None  # noqa: S101  # a job with a fingerprint has a key
            used = await used_key(self._pool, job.partition, job.call.actor, key)
            if used is None:
                raise
            if used.fingerprint != job.fingerprint:
                raise KeyReused from None
            return await self._answer_again(job, used.stream, used.version)

    async def _carry_out(self, job: _Job) -> Answer:
        known = Known() if job.is_new else self._cache.get(job.stream)
        for _ in range(self._tries):
            events = None if known is None else self._approved(job, known)
            if known is None or events is None:
                known = await self._load(job)
                events = _decided(job, known)
            entry, state, box = self._entry(job, known, events)
            outcome = await self._appenders[job.partition].append(entry)
            if outcome.outcome == "appended":
                return self._appended(job, known, entry, state, box, outcome)
            if outcome.outcome == "replayed":
                return await self._answer_again(job, outcome.stream, outcome.version)
            if outcome.outcome == "key_reused":
                raise KeyReused
            metrics.CONFLICTS.inc()
            known = None
        raise Conflict(job.stream, outcome.version)

    def _approved(self, job: _Job, known: Known) -> Sequence[Event] | None:
        """The events on what is remembered; None for a refusal, which memory may not give."""
        try:
            return _decided(job, known)
        except (DomainError, VersionMismatch):
            if job.is_new:
                raise
            return None

    def _entry(
        self, job: _Job, known: Known, events: Sequence[Event]
    ) -> tuple[Entry, Any, Box | None]:
        before = known.folded
        view = VIEWS[job.target.kind]
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
        entry = Entry(
            context=Context(
                actor=call.actor,
                metadata=_ENCODER.encode(call.metadata).decode(),
                view=view.name,
                account=job.target.account(state),
            ),
            stream=job.stream,
            expected=0 if before is None else before.version,
            events=new_events,
            doc=view.doc(state) if events else None,
            sealing_key=wrapped,
            key=call.metadata.idempotency_key,
            fingerprint=job.fingerprint,
        )
        return entry, state, box

    def _appended(
        self,
        job: _Job,
        known: Known,
        entry: Entry,
        state: Any,  # noqa: ANN401  # each kind of stream has its own
        box: Box | None,
        outcome: Outcome,
    ) -> Answer:
        before = known.folded
        if not entry.events:
            assert before is not None  # noqa: S101  # only what exists can stay as it is
            return Answer(before, outcome.account_name)
        assert outcome.position is not None  # noqa: S101  # what was appended has a place
        assert outcome.recorded_at is not None  # noqa: S101
        folded = advance(
            before,
            state,
            stream=job.stream,
            partition=job.partition,
            version=outcome.version,
            position=outcome.position,
            actor=job.call.actor,
            at=outcome.recorded_at,
        )
        self._cache.remember(job.stream, Known(folded, box, len(entry.doc or "")))
        return Answer(folded, outcome.account_name)

    async def _answer_again(self, job: _Job, stream: StreamId, version: int) -> Answer:
        """The answer that the first command with the key had, from the log as of its version."""
        past = await self._loads.submit(stream)
        assert past is not None  # noqa: S101  # a key is stored with the events it stands for
        folded = _fold(job.target, past, until=version)
        account = job.target.account(folded.state)
        name = None if account is None else await self._views.account_name(AccountId(account))
        return Answer(folded, name, replayed=True)

    async def _load(self, job: _Job) -> Known:
        known = await self._from_row(job) or await self._from_stream(job)
        self._cache.remember(job.stream, known)
        return known

    async def _from_row(self, job: _Job) -> Known | None:
        """The aggregate as its view's row has it: a snapshot, however long the stream is.

        None if the row or the key is not there or cannot be read: then the stream has to tell.
        """
        try:
            row, box = await asyncio.gather(
                self._views.get(job.target.kind, job.stream), self._boxes.submit(job.stream)
            )
        except Unreadable:
            return None
        if row is None or box is None:
            return None
        return Known(row.folded, box, len(VIEWS[job.target.kind].doc(row.folded.state) or ""))

    async def _from_stream(self, job: _Job) -> Known:
        past = await self._loads.submit(job.stream)
        if past is None:
            return Known()
        folded = _fold(job.target, past)
        return Known(folded, past.box, len(VIEWS[job.target.kind].doc(folded.state) or ""))

    async def _read(self, streams: Sequence[StreamId]) -> Sequence[Stream | Exception | None]:
        return await read_streams(self._pool, self._keyring, self._placed(streams))

    async def _open(self, streams: Sequence[StreamId]) -> Sequence[Box | Exception | None]:
        return await read_boxes(self._pool, self._keyring, self._placed(streams))

    def _placed(self, streams: Sequence[StreamId]) -> list[tuple[int, StreamId]]:
        return [(partition_of(stream, self._partitions), stream) for stream in streams]


def _decided(job: _Job, known: Known) -> Sequence[Event]:
    folded = known.folded
    state = None if folded is None else folded.state
    events = job.target.decide(job.command, state)
    demanded = job.call.if_version
    if demanded is not None and folded is not None and folded.version not in demanded:
        raise VersionMismatch(folded.version)
    return events


def _fold(target: Target, past: Stream, until: int | None = None) -> Folded[Any]:
    evolve = VIEWS[target.kind].evolve
    folded: Folded[Any] | None = None
    for recorded in past.events[:until]:
        folded = fold(evolve, folded, recorded)
    assert folded is not None  # noqa: S101  # a stream is never empty
    return folded


def _asked(command: Struct, drawn: Drawn | None) -> bytes:
    """What a command asks for, whatever id was drawn for it: equal for a retry, in any release.

    The class has the documented operation's name, and fields at their default are left out, so
    that a later release may add some.
    """
    left_out = None if drawn is None else drawn.field
    fields = {
        field.name: value
        for field in msgspec.structs.fields(command)
        if (value := getattr(command, field.name)) != field.default and field.name != left_out
    }
    return _SORTED.encode([type(command).__name__, fields])
