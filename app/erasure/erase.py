"""Erases personal data: the keys of its streams go, and with them what was written in the clear.

The database does all of one stream at once (`erase_1`): the mark that keeps a key from being made
again, the event, and the rows of views and histories.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import msgspec

from app.commands.context import CommandContext
from app.database.errors import StoreDown
from app.database.pool import Fetch
from app.database.sql import blocks
from app.database.uuids import new_uuid
from app.erasure.holds import require_free
from app.erasure.listed import ErasureList
from app.erasure.receipts import keep, trees_of
from app.erasure.scope import Erased, ErasedSession, Found, add_event, scope_of
from app.history.reader import Reader
from app.history.sessions import Session
from app.history.times import time_text
from app.log import codec
from app.log.append import REPLACED
from app.log.errors import Conflict, Unreadable
from app.log.keyring import Keyring
from app.log.stream_keys import bits_of, bundle, subjects, without
from domain.errors import InvalidField
from domain.event import Erasure, Subject
from domain.ids import StreamId
from domain.limits import Reason
from domain.stored import ERASURES, SUBJECTS
from projections.catalog import CURRENT, further_rows, of_kind

SQL = blocks(__file__)
_TRIES = 50
_PAUSE_S = 0.01
_PAGE = 500
_ENCODER = msgspec.json.Encoder()


def require_reason(reason: object) -> str:
    """The ground of an erasure. Raises InvalidField; what was given is not in the message."""
    try:
        text = msgspec.convert(reason, Reason)
    except msgspec.ValidationError:
        text = ""
    if not text.strip():
        raise InvalidField("reason", "reason takes 1 to 500 characters: why it is erased")
    if "@" in text:
        raise InvalidField(
            "reason", "reason is kept for ever, in the clear: it takes no e-mail address"
        )
    return text


class WritableStore(Protocol):
    """Connections that may write."""

    async def ask(
        self, sql: str, *arguments: object, writes: bool = False
    ) -> Sequence[asyncpg.Record]:
        """As that of `Pool`."""

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """As that of `Pool`."""


class Identified(Protocol):
    """Which log it is."""

    check_value: str | None

    async def check(self, fetch: Fetch) -> None:
        """As that of `Incarnation`."""


class WritableLog(Protocol):
    """A log as an erasure needs it: that of a service, or one that is being restored."""

    @property
    def pool(self) -> WritableStore:
        """Its database."""

    @property
    def keyring(self) -> Keyring:
        """The keys of personal data."""

    @property
    def incarnation(self) -> Identified:
        """Recognises the log."""

    @property
    def erasures_to(self) -> Sequence[Path]:
        """The places that keep a list of erasures."""

    @property
    def partition(self) -> Callable[[StreamId], int]:
        """The partition of a stream."""

    def seal_in_view(self, stream: StreamId, view: str, member: str, text: str) -> bytes:
        """As that of `Keyring`."""


class Eraser:
    """Carries out one erasure, session by session."""

    def __init__(self, log: WritableLog, reader: Reader, call: CommandContext, reason: str) -> None:
        """`call`: of who asks for it; `reason`: from `require_reason`."""
        self._log = log
        self._reader = reader
        self._call = call
        self._reason = reason
        self._id = str(new_uuid())

    async def of_sessions(
        self,
        sessions: Sequence[Session],
        wanted: Callable[[Session], Sequence[Subject]],
        mentioned: Sequence[str] = (),
    ) -> Erased:
        """Erase the personal data of sessions, and draft the receipt; `wanted`: whose, of each.

        `mentioned`: other sessions, of which the receipt says that they are left alone. A session
        of which all that is erased already is left as it is. Broken off, it can be asked for again.
        Raises InvalidField for a stream that is no session, OnHold if one of them may not be
        erased, NotListed if the list of erasures does not take it (either way nothing is erased),
        Conflict, StoreDown.
        """
        for session in sessions:
            if session.kind not in ERASURES:
                raise InvalidField(
                    "session", f"{session.session_id} is no session: only those are erased"
                )
        await require_free(self._reader, [each.stream for each in sessions])
        kept = ErasureList(self._log.erasures_to)
        asked = {each.stream: (each, wanted(each)) for each in sessions}
        homes = sorted(set(map(self._log.partition, asked)))
        before, done = await trees_of(self._log, homes), list[ErasedSession]()
        lines = await kept.begun(self._log.pool, self._reader.partitions, self._id, asked)
        try:
            for each in asked.values():
                done.append(await self._session(*each))
        finally:
            erased = self._erased(done, mentioned)
            if done or not sessions:  # what is erased has a receipt, though the rest was refused
                await keep(self._log, erased, before)
        await kept.done(self._id, lines, done)
        with suppress(StoreDown, OSError):  # the others look by themselves
            await self._log.incarnation.check(self._log.pool.ask)
        return erased

    def _erased(self, done: list[ErasedSession], mentioned: Sequence[str]) -> Erased:
        return Erased(
            erasure_id=self._id,
            asked_by=self._call.actor,
            reason=self._reason,
            sessions=done,
            mentioned=mentioned,
        )

    async def again(self, session: Session, subjects: Sequence[Subject]) -> ErasedSession:
        """Erase what was erased before, and what a backup brought back: holds do not matter, and
        the list has it. Raises Conflict, StoreDown.
        """
        return await self._session(session, subjects)

    async def _session(self, session: Session, wanted: Sequence[Subject]) -> ErasedSession:
        mine = [each for each in SUBJECTS[session.kind] if each in wanted]
        for _ in range(_TRIES):
            keys, version = await self._known(session.stream)
            left = _left(keys, mine)
            if not left:
                return await self._before(session, mine)
            if (row := await self._try(session, keys, version, left)) is not None:
                return await self._told(session, self._id, row, left, keys)
            await asyncio.sleep(_PAUSE_S)
        raise Conflict(session.stream, 0)

    async def _known(self, stream: StreamId) -> tuple[bytes | None, int]:
        """The stored form of a stream's keys, None if it never had any; and its version."""
        (row,) = await self._log.pool.ask(SQL["known"], self._log.partition(stream), stream)
        return row["wrapped"], row["version"]

    async def _try(
        self, session: Session, keys: bytes | None, version: int, left: Sequence[Subject]
    ) -> asyncpg.Record | None:
        """The event by which subjects of a stream were erased; None: something changed meanwhile.

        `keys`, `version`: the stream's, as they were known.
        """
        log, stream, call = self._log, session.stream, self._call
        partition, event_id = log.partition(stream), new_uuid()
        event = ERASURES[session.kind](
            subjects=tuple(left), erasure_id=self._id, reason=self._reason
        )
        state = codec.encode(event.topic, *codec.split(event), stream, None)
        try:
            (row,) = await log.pool.ask_once(
                SQL["erase"], partition, stream, keys, self._after(stream, keys, left),
                call.actor, _ENCODER.encode(call.metadata).decode(),
                [view.name for view in of_kind(session.kind)],
                *await self._further(session, version, event),
                event.topic, state, event_id, log.incarnation.check_value,
            )  # fmt: skip
        except asyncpg.PostgresError as error:
            if error.sqlstate != REPLACED:
                raise
            await log.incarnation.check(log.pool.ask)  # the master key is being changed
            return None
        if row["position"] is None:
            return None
        # (If an index is being made there: the rebuild's own catching up does it, too.)
        with suppress(StoreDown, asyncpg.PostgresError, OSError):
            await log.pool.ask(SQL["erase_fresh"], partition, stream, writes=True)
        return row

    async def _further(self, session: Session, version: int, event: Erasure) -> list[Any]:
        """The version, and the rows of the views beside the current state after the event."""
        if len(of_kind(session.kind)) == 1:
            return [None, None, None]
        view, stream = CURRENT[session.kind], session.stream
        folded = await self._reader.state(session.kind, stream, version)
        state = view.evolve(None if folded is None else folded.state, event)
        rows = further_rows(session.kind, stream, state, self._log.seal_in_view)
        return [version, [doc for _, doc, _ in rows], [search for _, _, search in rows]]

    def _after(self, stream: StreamId, before: bytes | None, left: Sequence[Subject]) -> bytes:
        keyring, bits = self._log.keyring, bits_of(left)
        if before is None:
            return keyring.all_erased(bits)
        with suppress(Unreadable):  # what no master key opens is erased as well as it is there
            return without(keyring.rewrap(stream, before), bits)
        return without(before, bits)

    async def _found(
        self, stream: StreamId, until: int, wanted: Sequence[Subject]
    ) -> dict[Subject, Found]:
        """What the events of a stream hold of subjects."""
        partition, after = self._log.partition(stream), 0
        found = {subject: Found() for subject in wanted}
        while rows := await self._log.pool.ask(
            SQL["sealed"], partition, stream, after, until, _PAGE
        ):
            for row in rows:
                add_event(found, row["topic"], row["state"], f"{partition}:{row['position']}")
            after = rows[-1]["version"]
            await asyncio.sleep(0)  # others' requests
        return found

    async def _before(self, session: Session, wanted: Sequence[Subject]) -> ErasedSession:
        """What an earlier erasure did, since nothing is left to erase."""
        partition, event = self._log.partition(session.stream), ERASURES[session.kind]
        rows = await self._log.pool.ask(SQL["erasures"], partition, session.stream, event.topic)
        if not rows:
            raise Unreadable(f"the keys of stream {session.stream} are gone, and no event says why")
        earlier = msgspec.json.decode(rows[-1]["state"], type=event)
        return await self._told(session, earlier.erasure_id, rows[-1], wanted, None)

    async def _told(
        self,
        session: Session,
        erasure_id: str,
        row: asyncpg.Record,
        those: Sequence[Subject],
        keys: bytes | None,
    ) -> ErasedSession:
        """What was erased by the event of a row; `keys`: the stream's before it, if known."""
        found = await self._found(session.stream, row["version"] - 1, those)
        return ErasedSession(
            session_id=session.session_id,
            kind=session.kind,
            stream=str(session.stream),
            scopes=[scope_of(each, found[each], keys) for each in those],
            fence=f"{self._log.partition(session.stream)}:{row['position']}",
            version=row["version"],
            event_id=str(row["event_id"]),
            recorded_at=time_text(row["recorded_at"]),
            erasure_id=erasure_id,
            views=[name for view in of_kind(session.kind) for name in (view.name, view.history)],
        )


def _left(keys: bytes | None, wanted: Sequence[Subject]) -> list[Subject]:
    """The subjects whose keys are not erased yet."""
    erased = [] if keys is None else subjects(bundle(keys).erased)
    return [each for each in wanted if each not in erased]
