"""The log as a worker process uses it; hides partitions, keys and connections."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from copy import copy
from functools import partial

from app.database.pool import Fetch, Pool
from app.database.uuids import new_uuid
from app.log import codec, facts, read
from app.log.append import Appender
from app.log.clock import HeadClock
from app.log.entry import Context, Entry, NewEvent, PreparedAppend
from app.log.errors import Unreadable
from app.log.facts import Facts
from app.log.incarnation import Incarnation
from app.log.keyring import Keyring
from app.log.outcome import Outcome
from app.log.read import LAST_VERSION, Asks, Ends, IdempotencyRecord
from app.log.stream_keys import StreamKeys
from app.settings import Settings
from domain.ids import StreamId, partition_of
from domain.stored import SUBJECTS_OF
from projections.fold import Recorded


class Log:
    """Appends to the log, and reads its streams."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        settings: Settings,
        *,
        partitions: int,
        incarnation: Incarnation,
    ) -> None:
        """Use `open_log`."""
        self.pool = pool
        """Connections to the database that holds the log."""
        self.reads: Asks = pool
        """What streams are read by."""
        self._keyring = keyring
        self._partitions = partitions
        self.partition: Callable[[StreamId], int] = partial(partition_of, partitions=partitions)
        """The partition of a stream, whether the stream has events or not."""
        self.incarnation = incarnation
        self.erasures_to = settings.erasures_to
        """The places that keep a list of erasures: whoever erases here cannot forget it."""
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

    def reading(self, store: Asks) -> "Log":
        """The same log, its streams read by another store."""
        other = copy(self)
        other.reads = store
        return other

    @property
    def keyring(self) -> Keyring:
        """The keys of personal data, for readers of the whole log."""
        return self._keyring

    @property
    def partitions(self) -> int:
        """How many the log has."""
        return self._partitions

    def are_together(self, stream: StreamId, other: StreamId) -> bool:
        """Whether one commit can append to both streams."""
        return self.partition(stream) == self.partition(other)

    def append(self, prepared: PreparedAppend) -> asyncio.Future[Outcome]:
        """The outcome of a command's append, once it is on disk. Others share its commit.

        Takes at most one append per stream at a time. Raises StoreDown when the database could
        not be reached. The append may or may not have been written then; a retry with the same
        idempotency key finds out.
        """
        return self._appenders[self.partition(prepared.stream)].append(self._entry(prepared))

    def append_all(self, prepared: Sequence[PreparedAppend]) -> asyncio.Future[Sequence[Outcome]]:
        """The outcomes of appends to one partition: all or none are written, in their own commit.

        An append is HeldBack if only another one prevented its write. Raises as `append` does.
        """
        appender = self._appenders[self.partition(prepared[0].stream)]
        return appender.append_all([self._entry(each) for each in prepared])

    @property
    def waiting(self) -> int:
        """How many appends wait for the one before theirs."""
        return sum(appender.waiting for appender in self._appenders)

    async def drain(self) -> None:
        """Return when all submitted appends are done."""
        for appender in self._appenders:
            await appender.drain()

    def keys(self, stream: StreamId, wrapped: bytes) -> StreamKeys:
        """The keys of a stream's personal fields, from their stored form.

        Raises Unreadable.
        """
        return self._keyring.unwrap(stream, wrapped)

    def fingerprint(self, text: bytes) -> bytes:
        """A keyed hash of possibly personal data: only the master key can confirm a guess."""
        return self._keyring.fingerprint(text)

    def seal_in_view(self, stream: StreamId, view: str, member: str, text: str) -> bytes:
        """A secret text of a row's document, sealed for its place."""
        return self._keyring.seal_in_view(stream, view, member, text)

    def open_in_view(self, stream: StreamId, view: str, member: str, sealed: bytes) -> str:
        """The text again. Raises Unreadable."""
        return self._keyring.open_in_view(stream, view, member, sealed)

    async def ends(self, asked: Sequence[tuple[StreamId, int]]) -> list[Ends | Unreadable | None]:
        """The first event of each stream, and its last one up to a version.

        None for a stream without events; the reason for an unreadable one. Raises StoreDown.
        """
        wanted = [(self.partition(stream), stream, version) for stream, version in asked]
        return await read.read_ends(self.reads, self._keyring, wanted)

    async def slices(
        self, stream: StreamId, *, after: int, until: int, boxes: dict[StreamId, StreamKeys]
    ) -> Iterator[list[Recorded]]:
        """A page of a stream's events, as from `read_slices`."""
        return await read.read_slices(
            self.reads, self._keyring, self.partition(stream), stream,
            after=after, until=until, boxes=boxes,
        )  # fmt: skip

    async def last_named(
        self, stream: StreamId, topic: str, *, before: int = LAST_VERSION, most: int
    ) -> list[Recorded]:
        """The last events of one stored name in a stream before a version, newest first.

        Raises StoreDown, or Unreadable.
        """
        return await read.read_back(
            self.reads, self._keyring, self.partition(stream), stream, topic,
            before=before, most=most,
        )  # fmt: skip

    async def first_named(
        self, stream: StreamId, topic: str, *, since: int, most: int
    ) -> list[Recorded]:
        """The first events of one stored name in a stream from a version on, oldest first.

        Raises StoreDown, or Unreadable.
        """
        return await read.read_topic_on(
            self.reads, self._keyring, self.partition(stream), stream, topic,
            since=since, most=most,
        )  # fmt: skip

    async def used_key(self, beside: StreamId, actor: str, key: str) -> IdempotencyRecord | None:
        """The use of an idempotency key in a stream's partition, if any. Raises StoreDown."""
        return await read.used_key(self.pool, self.partition(beside), actor, key)

    async def uses_of_key(self, actor: str, key: str) -> list[IdempotencyRecord]:
        """The uses of an idempotency key in all partitions. Raises StoreDown."""
        uses = [
            await read.used_key(self.pool, number, actor, key) for number in range(self._partitions)
        ]
        return [used for used in uses if used is not None]

    def new_stream(self, actor: str, key: str | None) -> StreamId:
        """A fresh stream id, in the partition where a retry would look for the idempotency key."""
        drawn, home = StreamId(new_uuid()), self.home(actor, key)
        while home is not None and self.partition(drawn) != home:
            drawn = StreamId(new_uuid())
        return drawn

    def home(self, actor: str, key: str | None) -> int | None:
        """The partition where a retry of a creation would look for its key; None: any will do."""
        if key is None or self._partitions == 1:
            return None
        digest = hashlib.sha256(f"{actor}\0{key}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % self._partitions  # an even spread over any count

    def _entry(self, prepared: PreparedAppend) -> Entry:
        """The entry of an append, with its events encoded, sealed and under fresh ids.

        Raises PersonalDataGone if a field is of a subject whose key is erased.
        """
        stream, keys, wrapped = prepared.stream, prepared.keys, None
        events = []
        for event in prepared.events:
            plain, customer, agent = codec.split(event)
            if keys is None and (customer or agent or prepared.personal):
                keys, wrapped = self._keyring.new(stream, SUBJECTS_OF[event.topic])
            stored = codec.encode(event.topic, plain, customer, agent, stream, keys)
            events.append(NewEvent(event.topic, stored, new_uuid()))
        context = prepared.context
        if events and prepared.personal:
            of_call = Facts(context.metadata, prepared.personal)
            context = Context(
                actor=context.actor,
                metadata=facts.stored(of_call, stream, keys),
                view=context.view,
                account=context.account,
            )
        return Entry(prepared, events, context, keys, wrapped)


async def open_log(
    settings: Settings, on_connect: Callable[[Fetch], Awaitable[None]] | None = None
) -> Log:
    """Connect to the database; refuse another master key than the log's.

    `on_connect`: as that of the pool. Raises WrongMasterKey, and OSError or asyncpg's errors when
    the database is unavailable.
    """
    pool = Pool(settings)
    pool.on_connect = on_connect
    try:
        keyring = Keyring(settings.master_key)
        keyring.adopt(await read.key_settings(pool))
        partitions = len(await read.heads(pool))
        incarnation = Incarnation(keyring)
        await incarnation.check(pool.ask)
        return Log(pool, keyring, settings, partitions=partitions, incarnation=incarnation)
    except BaseException:
        await pool.close()
        raise
