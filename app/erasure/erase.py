"""Erases personal data: the keys of its streams go, and with them what was written in the clear.

The database does all of one stream at once (`erase_1`): the mark that keeps a key from being made
again, the event, and the rows of views and histories.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import asyncpg
import msgspec
from msgspec import UNSET, Struct

from app.commands.context import CommandContext
from app.database.errors import StoreDown
from app.database.pool import AskOnce
from app.database.sql import blocks
from app.database.uuids import new_uuid
from app.erasure.holds import Forbidding, forbidding, require_free
from app.erasure.listed import ErasureList
from app.erasure.receipts import keep, trees_of
from app.erasure.scope import Erased, ErasedSession, scope_of
from app.erasure.stream_content import StreamContent
from app.erasure.unfinished import erase_in_unfinished
from app.erasure.writable_log import WritableLog
from app.history.reader import Reader
from app.history.sessions import Session
from app.history.times import time_text
from app.log import codec, facts
from app.log.append import REPLACED
from app.log.errors import Conflict, Unreadable
from app.log.stream_keys import ALL_ERASED, bits_of, bundle, subjects, without
from domain.errors import InvalidField
from domain.event import Erasure, Subject
from domain.ids import StreamId
from domain.stored import ERASURES, SUBJECTS
from projections.catalog import CURRENT, further_rows, of_kind

SQL = blocks(__file__)
_TRIES = 5
_PAUSE_S = 0.01


class _Asked(Struct, frozen=True):
    """What is to be erased of a session."""

    session: Session
    subjects: Sequence[Subject]
    forbidding: Forbidding
    """The holds that keep it from being erased; none if it was erased before."""


class Eraser:
    """Carries out one erasure, session by session."""

    def __init__(
        self,
        log: WritableLog,
        reader: Reader,
        call: CommandContext,
        reason: str,
        approved_by: str | None = None,
    ) -> None:
        """`call`: of who asks for it; `reason`, `approved_by`: as from `ground`."""
        self._log = log
        self._reader = reader
        self._call = call
        self._reason = reason
        self._approved_by = approved_by
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
        erased, NotListed if the list of erasures does not take it (either way nothing is erased,
        unless a hold was placed meanwhile: then what was erased before that is), Conflict,
        StoreDown.
        """
        for session in sessions:
            if session.kind not in ERASURES:
                raise InvalidField(
                    "session", f"{session.session_id} is no session: only those are erased"
                )
        streams = [each.stream for each in sessions]
        await require_free(self._reader, streams)
        forbids = await forbidding(self._reader, streams)
        asked = [_Asked(each, wanted(each), forbids[each.stream]) for each in sessions]
        kept, done = ErasureList(self._log.erasures_to), list[ErasedSession]()
        told = {each.session.stream: (each.session, each.subjects) for each in asked}
        lines = await kept.begun(self._log.pool, self._reader.partitions, self._id, told)
        try:
            return await self._all(asked, done, mentioned)
        finally:
            await kept.done(self._id, lines, done)

    async def again(self, wanted: Mapping[Session, Sequence[Subject]]) -> Erased:
        """Erase what was erased before, and what a backup brought back: holds do not matter, and
        the list has it. Raises Conflict, StoreDown.
        """
        asked = [_Asked(each, subjects, Forbidding()) for each, subjects in wanted.items()]
        return await self._all(asked, [], ())

    async def _all(
        self, asked: Sequence[_Asked], done: list[ErasedSession], mentioned: Sequence[str]
    ) -> Erased:
        """Erase one after the other into `done`, and draft the receipt."""
        homes = sorted({self._log.partition(each.session.stream) for each in asked})
        before = await trees_of(self._log, homes)
        try:
            for each in asked:
                done.append(await self._session(each))
        finally:
            erased = self._erased(done, mentioned)
            if done or not asked:  # what is erased has a receipt, though the rest was refused
                await keep(self._log, erased, before)
            with suppress(StoreDown, OSError):  # whoever signs the receipt does it as well
                await erase_in_unfinished(self._log.pool, done)
        with suppress(StoreDown, OSError):  # the others look by themselves
            await self._log.incarnation.check(self._log.pool.ask)
        return erased

    def _erased(self, done: list[ErasedSession], mentioned: Sequence[str]) -> Erased:
        return Erased(
            erasure_id=self._id,
            asked_by=self._call.actor,
            approved_by=self._approved_by,
            reason=self._reason,
            sessions=done,
            mentioned=mentioned,
        )

    async def _session(self, asked: _Asked) -> ErasedSession:
        session = asked.session
        mine = [each for each in SUBJECTS[session.kind] if each in asked.subjects]
        content = StreamContent(self._log, session.stream, mine)
        for _ in range(_TRIES):
            if (
                done := await self._erased_now(asked, content, self._log.pool.ask_once)
            ) is not None:
                return done
            await asyncio.sleep(_PAUSE_S)
        # Others change it all the time. In one transaction, a try that comes too late keeps the
        # log's head locked: until the next one, nobody changes it.
        async with self._log.pool.transaction() as ask_once:
            for _ in range(_TRIES):
                if (done := await self._erased_now(asked, content, ask_once)) is not None:
                    return done
        raise Conflict(session.stream, 0)

    async def _erased_now(
        self, asked: _Asked, content: StreamContent, ask_once: AskOnce
    ) -> ErasedSession | None:
        """Erase the data of a session; None as from `_try`."""
        session = asked.session
        keys, version = await self._known(session.stream)
        left = _left(keys, list(content.found))
        if not left:
            return await self._before(session, content)
        await content.read(keys, version)
        if (row := await self._try(asked, keys, left, content, ask_once)) is not None:
            return self._told(session, self._id, row, content, left, keys)
        if asked.forbidding.targets:
            await require_free(self._reader, [session.stream])
        return None

    async def _known(self, stream: StreamId) -> tuple[bytes | None, int]:
        """The stored form of a stream's keys, None if it never had any; and its version."""
        (row,) = await self._log.pool.ask(SQL["known"], self._log.partition(stream), stream)
        return row["wrapped"], row["version"]

    async def _try(
        self,
        asked: _Asked,
        keys: bytes | None,
        left: Sequence[Subject],
        content: StreamContent,
        ask_once: AskOnce,
    ) -> asyncpg.Record | None:
        """The event by which subjects of a stream were erased; None: something changed meanwhile,
        or a hold forbids it.

        `keys`: the stream's, as they were known; `content`: of its events up to now.
        """
        log, session, call = self._log, asked.session, self._call
        stream, holds = session.stream, asked.forbidding
        partition, event_id = log.partition(stream), new_uuid()
        event = ERASURES[session.kind](
            subjects=tuple(left), erasure_id=self._id, reason=self._reason,
            approved_by=UNSET if self._approved_by is None else self._approved_by,
        )  # fmt: skip
        state = codec.encode(event.topic, *codec.split(event), stream, None)
        try:
            (row,) = await ask_once(
                SQL["erase"], partition, stream, keys, self._after(stream, keys, left),
                call.actor, facts.stored(call.facts, stream, ALL_ERASED),
                [view.name for view in of_kind(session.kind)],
                *await self._further(session, content.upto, event),
                event.topic, state, event_id, log.incarnation.check_value,
                list(holds.targets), list(holds.homes), content.terms, content.positions,
            )  # fmt: skip
        except asyncpg.PostgresError as error:
            if error.sqlstate != REPLACED:
                raise
            await log.incarnation.check(log.pool.ask)  # the master key is being changed
            return None
        return None if row["position"] is None else row

    async def _further(self, session: Session, version: int, event: Erasure) -> list[Any]:
        """The version, and the rows of the views beside the current state after the event."""
        if len(of_kind(session.kind)) == 1:
            return [version, None, None]
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

    async def _before(self, session: Session, content: StreamContent) -> ErasedSession:
        """What an earlier erasure did, since nothing is left to erase."""
        partition, event = self._log.partition(session.stream), ERASURES[session.kind]
        rows = await self._log.pool.ask(SQL["erasures"], partition, session.stream, event.topic)
        if not rows:
            raise Unreadable(f"the keys of stream {session.stream} are gone, and no event says why")
        earlier = msgspec.json.decode(rows[-1]["state"], type=event)
        await content.read(None, rows[-1]["version"] - 1)
        return self._told(session, earlier.erasure_id, rows[-1], content, list(content.found), None)

    def _told(
        self,
        session: Session,
        erasure_id: str,
        row: asyncpg.Record,
        content: StreamContent,
        those: Sequence[Subject],
        keys: bytes | None,
    ) -> ErasedSession:
        """What was erased by the event of a row; `content`: of the events before it; `keys`: the
        stream's before it, if known.
        """
        partition = self._log.partition(session.stream)
        return ErasedSession(
            session_id=session.session_id,
            kind=session.kind,
            stream=str(session.stream),
            scopes=[scope_of(each, content.found[each], keys, partition) for each in those],
            fence=f"{partition}:{row['position']}",
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
