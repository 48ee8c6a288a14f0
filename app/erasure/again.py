"""Erases again what lists say was erased, and what a restored backup brought back."""

from collections.abc import Sequence

import asyncpg
from msgspec import Struct

from app.commands.context import CommandContext
from app.erasure.erase import Eraser
from app.erasure.holds import holds_on
from app.erasure.listed import Line, Listed, known_streams, log_name
from app.erasure.writable_log import WritableLog
from app.history.reader import Reader
from app.history.sessions import Session
from app.log.stream_keys import bundle, subjects
from domain.event import Subject
from domain.ids import StreamId
from domain.stored import ERASURES, SUBJECTS


class Again(Struct):
    """What became of what is on the lists."""

    erased: list[str] = []
    """The ids of the sessions that were erased again."""
    already: int = 0
    """The number of sessions that the log has as erased."""
    absent: int = 0
    """The number of sessions that the log does not have."""
    left: list[str] = []
    """What may still be there, in sentences."""
    receipts: list[str] = []
    """The ids of the erasures that did it, each with a receipt."""

    def __str__(self) -> str:
        """In a sentence."""
        return (
            f"Erased again: {len(self.erased)} sessions of the list; {self.already} were erased "
            f"here, {self.absent} are not here"
        )


class _Wanted(Struct):
    """What the lines of a session ask for."""

    first: Line
    subjects: list[Subject]
    is_done: bool


async def erase_again(
    log: WritableLog, reader: Reader, call: CommandContext, listed: Listed
) -> Again:
    """Erase what is on lists and not erased in the log; lines of other logs are passed over.

    Holds of the log do not keep what was erased before from being erased, since they were lifted by
    then; only what was listed and perhaps never done. Raises StoreDown, Conflict.
    """
    name = await log_name(log.pool)
    found = Again(left=list(listed.unread))
    if other := sorted({line.log for line in listed.lines} - {name}):
        found.left.append(f"The list has erasures of {', '.join(other)}: this log is {name}")
    wanted = _wanted([line for line in listed.lines if line.log == name])
    known = await known_streams(log.pool, reader.partitions, list(wanted))
    there = {row["stream"]: row for row in known}
    due: dict[str, dict[Session, list[Subject]]] = {}
    for stream, its in wanted.items():
        row = there.get(stream)
        if row is None or row["first_event_id"] != its.first.first_event_id:
            found.absent += 1
            continue
        if (one := await _due(reader, its, row, found)) is not None:
            due.setdefault(its.first.erasure_id, {}).update([one])
    for before, sessions in due.items():
        eraser = Eraser(log, reader, call, f"Erased before, by the erasure {before}")
        done = await eraser.again(sessions)
        found.erased += [each.session_id for each in done.sessions]
        found.receipts.append(done.erasure_id)
    return found


def _wanted(lines: Sequence[Line]) -> dict[StreamId, _Wanted]:
    found: dict[StreamId, _Wanted] = {}
    for line in lines:
        its = found.setdefault(StreamId(line.stream), _Wanted(line, [], False))
        its.subjects += [each for each in line.subjects if each not in its.subjects]
        its.is_done = its.is_done or line.position is not None
    return found


async def _due(
    reader: Reader, its: _Wanted, row: asyncpg.Record, found: Again
) -> tuple[Session, list[Subject]] | None:
    """What is left to erase of a session; None: nothing is, as `found` says then."""
    identity = await reader.identity(row["stream"])
    if identity.kind not in ERASURES:
        found.left.append(f"{identity.session_id} of the list is no session")
        return None
    gone = [] if row["wrapped"] is None else subjects(bundle(row["wrapped"]).erased)
    left = [each for each in SUBJECTS[identity.kind] if each in its.subjects and each not in gone]
    if not left:
        found.already += 1
        return None
    if not its.is_done and (held := await holds_on(reader, [row["stream"]])):
        target = held[row["stream"]].target
        found.left.append(
            f"{identity.session_id} is not erased: {target} is on hold, and the list does not say "
            "that the erasure was done"
        )
        return None
    session = Session(identity.session_id, row["stream"], identity.kind, identity.session_id)
    return session, left
