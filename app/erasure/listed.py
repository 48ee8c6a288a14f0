"""Lists of erasures outside the database: after a restore, what is on them is erased again.

Each erasure is on the list before it is begun, and once more when it is done. So none can be done
that is not there, whenever a process or a machine dies. Nothing on a list is personal.
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.erasure.scope import ErasedSession
from app.history.sessions import Session
from app.history.times import time_text
from app.log.read import Asks
from app.maintenance.durable_files import PRIVATE, append, put, sync_folder
from app.proof.one_line import one_line
from domain.event import Subject
from domain.ids import StreamId, partition_of

SQL = blocks(__file__)
_AT_A_TIME = 1_000
_SUFFIX = ".jsonl"
_LONGEST = 65_536
"""Bytes of a line; one of an erasure has some hundred."""
_LOG = logging.getLogger("sessionary")


class NotListed(Exception):
    """A list of erasures cannot be written or read; the message says why."""


class Line(Struct, frozen=True, kw_only=True, rename="camel"):
    """A session whose personal data is to go, or went."""

    form: Literal["sessionary/erasure/v1"] = "sessionary/erasure/v1"
    log: str
    """The log's name: streams of another one may have the same numbers."""
    erasure_id: str
    """Of the erasure, and so of its receipt."""
    session_id: str
    stream: UUID
    first_event_id: UUID
    """Of the stream: after a restore, numbers of chats may be given out again."""
    subjects: list[Subject]
    listed_at: str
    position: str | None = None
    """Of the event that says so; null: it was not done yet."""


class Listed(Struct):
    """What lists hold."""

    lines: list[Line] = []
    unread: list[str] = []
    """Lines that are none of an erasure, as one that a killed process began: in sentences."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


class ErasureList:
    """The places that keep the list of a log's erasures: files, and folders."""

    def __init__(self, places: Sequence[Path]) -> None:
        """`places`: a folder is there, or is named with a `/` at the end; anything else is a file.

        Without any, nothing is kept.
        """
        self._places = places

    async def begun(
        self,
        store: Asks,
        partitions: int,
        erasure_id: str,
        sessions: Mapping[StreamId, tuple[Session, Sequence[Subject]]],
    ) -> list[Line]:
        """Put an erasure on the list before it is begun; its lines. Raises NotListed, StoreDown."""
        if not self._places:
            return []
        log, now = await log_name(store), time_text(datetime.now(UTC))
        first = {
            row["stream"]: row["first_event_id"]
            for row in await known_streams(store, partitions, list(sessions))
        }
        lines = [
            Line(
                log=log, erasure_id=erasure_id, session_id=session.session_id, stream=stream,
                first_event_id=first[stream], subjects=list(subjects), listed_at=now,
            )
            for stream, (session, subjects) in sessions.items()
            if stream in first
        ]  # fmt: skip
        await self._keep(erasure_id, lines)
        return lines

    async def done(
        self, erasure_id: str, lines: Sequence[Line], by: Iterable[ErasedSession]
    ) -> None:
        """Put it there again, with the positions of its events.

        If that fails, it is only logged: the list has the erasure.
        """
        fences = {each.stream: each.fence for each in by}
        now = time_text(datetime.now(UTC))
        after = [
            msgspec.structs.replace(line, listed_at=now, position=fences.get(str(line.stream)))
            for line in lines
        ]
        try:
            await self._keep(erasure_id, after)
        except NotListed as error:
            _LOG.error("The erasure %s was done, and is listed as begun: %s", erasure_id, error)

    async def _keep(self, erasure_id: str, lines: Sequence[Line]) -> None:
        if not lines:
            return
        text = b"".join(one_line(_ENCODER.encode(line)) + b"\n" for line in lines)
        for place in self._places:
            try:
                if place.is_dir():
                    await asyncio.to_thread(put, place / f"{erasure_id}{_SUFFIX}", text)
                else:
                    await asyncio.to_thread(_add, place, text)
            except OSError as error:
                raise NotListed(
                    f"The list of erasures cannot be written, so nothing is erased: {error}"
                ) from error


async def log_name(store: Asks) -> str:
    """The name of the log. Raises StoreDown."""
    (row,) = await store.ask(SQL["log_name"])
    name: str = row["value"]
    return name


async def known_streams(
    store: Asks, partitions: int, streams: Sequence[StreamId]
) -> list[asyncpg.Record]:
    """The streams that the log has, of some, with their first events and keys. Raises StoreDown."""
    found: list[asyncpg.Record] = []
    for at in range(0, len(streams), _AT_A_TIME):
        some = list(streams[at : at + _AT_A_TIME])
        homes = [partition_of(stream, partitions) for stream in some]
        found += await store.ask(SQL["streams"], homes, some)
    return found


def read_lists(places: Sequence[Path]) -> Listed:
    """What files and folders hold. Raises NotListed."""
    found = Listed()
    for place in places:
        try:
            files = sorted(place.glob(f"*{_SUFFIX}")) if place.is_dir() else [place]
            for file in files:
                _read(file, found)
        except OSError as error:
            raise NotListed(f"The list of erasures cannot be read: {error}") from error
    return found


def _read(file: Path, into: Listed) -> None:
    with file.open("rb") as lines:
        for number, text in enumerate(iter(lambda: lines.readline(_LONGEST), b""), 1):
            if len(text) == _LONGEST:
                raise NotListed(f"{file} is no list of erasures: its line {number} has no end")
            if text == b"\n":
                continue
            try:
                into.lines.append(_DECODER.decode(text))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                into.unread.append(f"Line {number} of {file} is not of an erasure, or was cut off")


def _add(file: Path, text: bytes) -> None:
    """Add lines to a file's end, on disk, or nothing."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # of other workers
        end = os.fstat(handle).st_size
        if end and os.pread(handle, 1, end - 1) != b"\n":  # a killed process wrote it
            text = b"\n" + text
        append(handle, end, text)
    finally:
        os.close(handle)
    if not end:
        sync_folder(file.parent)
