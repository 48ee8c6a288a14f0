"""`export`: the log as lines, page by page, up to the heads that it had at the start.

Personal fields stay sealed, and the wrapped keys of their streams come along as lines of their own,
before the first event of each stream. What serves callers only (passwords, tokens, sign-ins) is no
part of the log and stays where it is.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress

import asyncpg
import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from app.care.lines import (
    Altered,
    Chain,
    Checkpoint,
    CheckpointLine,
    EventLine,
    KeyLine,
    Line,
    LogKeys,
    StreamKey,
    UsedKey,
    decoded,
    event_line,
)
from app.database.sql import blocks
from app.history.one_event import Parts
from app.history.reader import Reader, reader_on
from app.history.streams import Progress
from app.history.times import time_text
from app.log import audited
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.proof.one_line import one_line

SQL = blocks(__file__)
_PAGE = 1_000
_ENCODER = msgspec.json.Encoder()

Block = Sequence[bytes]
"""Whole lines; an export can be taken up behind each block."""


class Begun(Struct):
    """How far an export came that was broken off."""

    chain: Chain
    keys: LogKeys | None = None
    """Its first line."""
    partition: int = 0
    position: int = 0
    """Of its last event."""
    offset: int = 0
    """The end of the block that this event is in."""


def taken_up(keyring: Keyring, found: Iterable[tuple[int, Block]]) -> Begun:
    """How far an export came; `found`: its blocks, each with the offset of its end.

    Raises Altered.
    """
    begun, chain = Begun(Chain(keyring)), Chain(keyring)
    for offset, block in found:
        last: Line | None = None
        for text in block:
            last = _checked(text, chain)
        if isinstance(last, KeyLine) and begun.keys is None:
            begun.keys = msgspec.json.decode(last.key, type=LogKeys)
        elif not isinstance(last, EventLine):
            break
        else:
            begun.partition, begun.position = last.partition, last.position
        begun.chain, begun.offset = chain.copy(), offset
    return begun


def _checked(text: bytes, chain: Chain) -> Line:
    try:
        line = decoded(text)
        if chain.next(line) == line.chain:
            return line
    except (msgspec.MsgspecError, ValueError) as error:
        raise Altered("The beginning of the export is not as it was written") from error
    raise Altered("The beginning of the export is not as it was written, or of another log")


async def sealed(
    store: Connection, keyring: Keyring, begun: Begun | None, progress: Progress
) -> AsyncIterator[Block]:
    """The lines of the log, or those behind the beginning that there is."""
    reader = await reader_on(store, keyring)
    begun = begun or Begun(Chain(keyring))
    if (keys := begun.keys) is None:
        keys = await _log_keys(store, keyring)
        yield [_text(_key(keys), begun.chain)]
    total, done = sum(keys.positions.values()), 0
    for partition, until in sorted(keys.positions.items()):
        after = begun.position if partition == begun.partition else 0
        if partition < begun.partition:
            after = until
        while after < until:
            rows = await store.ask(SQL["events"], partition, after, until, _PAGE)
            if not rows:
                break  # the log has a hole there: its importer finds it
            known = await reader.identities(row["stream"] for row in rows)
            yield [
                _text(line, begun.chain)
                for row in rows
                for line in _lines(keyring, row, known[row["stream"]].session_id)
            ]
            after = rows[-1]["position"]
            progress(done + after, total)
        done += until
    async for block in _used_keys(store, keys):
        if block:
            yield [_text(line, begun.chain) for line in block]
    yield [_text(CheckpointLine(checkpoint=await _end(store, keys)), begun.chain)]


async def clear(store: Connection, keyring: Keyring, progress: Progress) -> AsyncIterator[Block]:
    """The same with personal fields as they are, for reading: it cannot be imported."""
    reader, keys = await reader_on(store, keyring), await _log_keys(store, keyring)
    total, done = sum(keys.positions.values()), 0
    for partition, until in sorted(keys.positions.items()):
        async for event in reader.shown(_pages(reader, partition, until), Parts(clear=True)):
            yield [one_line(_ENCODER.encode(event)) + b"\n"]
            progress(done + event.position, total)
        done += until
    yield [_ENCODER.encode({"checkpoint": await _end(store, keys)}) + b"\n"]


async def _pages(
    reader: Reader, partition: int, until: int
) -> AsyncIterator[Sequence[audited.AuditedEvent]]:
    after = 0
    while page := await audited.read_between(
        reader.store, reader.keyring, partition, after=after, until=until, most=_PAGE
    ):
        yield page
        after = page[-1].position


async def _log_keys(store: Connection, keyring: Keyring) -> LogKeys:
    heads = await store.ask(SQL["heads"])
    return LogKeys(
        master_key=keyring.fingerprint_of_key,
        check=keyring.check_value(),
        root=keyring.sealed_root(),
        positions={row["partition"]: row["position"] for row in heads},
        recorded_at={
            row["partition"]: time_text(row["recorded_at"]) for row in heads if row["position"]
        },
    )


async def _end(store: Connection, keys: LogKeys) -> Checkpoint:
    """What the export ends with: `keys`, and what was signed up to there."""
    places = keys.positions
    rows = await store.ask(SQL["notes"], list(places), list(places.values()))
    return Checkpoint(
        positions=places,
        recorded_at=keys.recorded_at,
        notes={row["partition"]: row["note"] for row in rows} or UNSET,
    )


def _lines(keyring: Keyring, row: asyncpg.Record, session_id: str) -> Iterator[Line]:
    stream, wrapped = row["stream"], row["wrapped"]
    if row["version"] == 1 and wrapped is not None:
        with suppress(Unreadable):  # its importer is told
            wrapped = keyring.rewrap(stream, wrapped)
        yield _key(StreamKey(partition=row["partition"], stream=stream, wrapped=wrapped))
    yield event_line(row, session_id)


async def _used_keys(store: Connection, keys: LogKeys) -> AsyncIterator[list[KeyLine]]:
    for partition, until in sorted(keys.positions.items()):
        after = ("", "")
        while rows := await store.ask(SQL["used_keys"], partition, *after, until, _PAGE):
            yield [
                _key(
                    UsedKey(
                        partition=partition,
                        stream=row["stream_id"],
                        version=row["version"],
                        principal=row["principal"],
                        idempotency_key=row["key"],
                        fingerprint=row["fingerprint"],
                    )
                )
                for row in rows
                if row["is_within"]
            ]
            after = rows[-1]["principal"], rows[-1]["key"]


def _key(value: LogKeys | StreamKey | UsedKey) -> KeyLine:
    return KeyLine(key=Raw(_ENCODER.encode(value)))


def _text(line: Line, chain: Chain) -> bytes:
    return one_line(_ENCODER.encode(replace(line, chain=chain.next(line)))) + b"\n"
