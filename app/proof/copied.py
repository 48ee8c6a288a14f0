"""The events of a database, and the hashes of its tree, read with `psql` as COPY writes them.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

import os
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import unquote, urlsplit

from app.proof.leaves import Columns
from app.proof.trees import Unproven

_COPY_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COLUMN_COUNT = struct.Struct(">h")
_NO_MORE = _COLUMN_COUNT.pack(-1)
_KEYS = struct.Struct(">iiiqi16siqi")
_IDS = struct.Struct(">i16siqi")
_FIELD_LENGTH = struct.Struct(">i")
_SINCE_1970_US = 946_684_800_000_000
"""PostgreSQL counts from 2000."""
_COPY_EVENTS = """COPY (
    SELECT partition, notification_id, originator_id, originator_version, topic, state, event_id,
           recorded_at, actor, metadata::text
      FROM public.stored_events
     WHERE partition = %d AND notification_id <= %d
     ORDER BY notification_id
) TO STDOUT (FORMAT binary)"""
_COPY_HASHES = """COPY (
    SELECT hashes
      FROM public.tree_tile
     WHERE partition = %d AND level = 0
     ORDER BY tile_index
) TO STDOUT (FORMAT binary)"""
_OTHER_COLUMNS = "A row of the database does not have the columns of an event"


class Unreadable(Exception):
    """A database could not be read; the message is a sentence."""


def events_in(url: str, sizes: Mapping[int, int]) -> Iterator[Columns]:
    """The events of a database up to a position of each partition; `url`: as psql takes it.

    Raises Unreadable, and Unproven for what is no row of the log.
    """
    for partition, size in sorted(sizes.items()):
        with _copied(url, _COPY_EVENTS % (partition, size)) as rows:
            while (count := _exactly(rows, _COLUMN_COUNT.size)) != _NO_MORE:
                yield _event(count, rows)


def hashes_in(url: str, partition: int) -> bytes:
    """The hashes of a partition's leaves as its tree has them. Raises Unreadable or Unproven."""
    found = bytearray()
    with _copied(url, _COPY_HASHES % partition) as rows:
        while _exactly(rows, _COLUMN_COUNT.size) != _NO_MORE:
            found += _field(rows)
    return bytes(found)


def _event(count: bytes, rows: IO[bytes]) -> Columns:
    keys = _KEYS.unpack(_exactly(rows, _KEYS.size))
    size, partition, size_2, position, size_3, stream, size_4, version, length = keys
    if count != b"\0\n" or (size, size_2, size_3, size_4) != (4, 8, 16, 8):
        raise Unproven(_OTHER_COLUMNS)
    topic, state = _exactly(rows, length), _field(rows)
    size_5, event_id, size_6, time_us, length = _IDS.unpack(_exactly(rows, _IDS.size))
    if (size_5, size_6) != (16, 8):
        raise Unproven(_OTHER_COLUMNS)
    actor, metadata = _exactly(rows, length), _field(rows)
    return (
        partition, position, stream, version, topic, state, event_id, time_us + _SINCE_1970_US,
        actor, metadata,
    )  # fmt: skip


def _field(rows: IO[bytes]) -> bytes:
    return _exactly(rows, _FIELD_LENGTH.unpack(_exactly(rows, _FIELD_LENGTH.size))[0])


def _exactly(rows: IO[bytes], size: int) -> bytes:
    if size < 0:
        raise Unproven(_OTHER_COLUMNS)
    if len(found := rows.read(size)) < size:
        raise EOFError
    return found


@contextmanager
def _copied(url: str, copy: str) -> Iterator[IO[bytes]]:
    """The rows of a COPY; whoever reads them raises EOFError if they end too soon."""
    parts, known = urlsplit(url), os.environ | {"PGCLIENTENCODING": "UTF8"}
    if parts.password is not None:  # others see the arguments of a process
        known["PGPASSWORD"] = unquote(parts.password)
        url = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@", 1)).geturl()
    command = (
        "psql",
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--dbname",
        url,
        "--command",
        copy,
    )
    with TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=known)
        except OSError as error:
            raise Unreadable(f"psql is needed to read a database: {error}") from error
        with process:
            rows = process.stdout
            assert rows is not None, "it was asked for"
            try:
                if _exactly(rows, len(_COPY_BEGIN)) != _COPY_BEGIN:
                    raise Unproven("psql does not write what COPY gives")
                yield rows
            except EOFError as error:
                process.wait()
                said.seek(0)
                why = said.read().decode(errors="replace").strip() or "its answer ends in its midst"
                raise Unreadable(f"The database cannot be read: {why}") from error
            finally:
                rows.close()  # psql then ends, whether it has written everything or not
