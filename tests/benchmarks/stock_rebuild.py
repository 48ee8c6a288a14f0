"""A whole process: the best loop over a log on the stock library's API, into a table of its own.

It reads with `select_notifications`, decodes by msgspec (the library's own mapper would be slower),
folds with all rows in memory, copies in binary, makes the indexes that our view has, and swaps. Its
rows have no actors and times, of which the library keeps none. It neither decrypts nor compares,
and cannot go on after a crash.
"""

import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import Notification
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from msgspec import Struct
from psycopg.adapt import Dumper
from psycopg.pq import Format

PAGE = 10_000
FRESH = """
DROP TABLE IF EXISTS view_new;
CREATE TABLE view_new (
    stream_id  uuid   NOT NULL,
    version    bigint NOT NULL,
    position   bigint NOT NULL,
    doc        jsonb  NOT NULL,
    account_id text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'account_id') STORED
)"""
SWAP = """
CREATE INDEX ON view_new (stream_id);
CREATE INDEX ON view_new (position, stream_id);
CREATE INDEX ON view_new (account_id, position, stream_id) WHERE account_id IS NOT NULL;
ANALYZE view_new;
DROP TABLE IF EXISTS view;
ALTER TABLE view_new RENAME TO view"""


class Fields(Struct):
    """What an event of either type may say."""

    account_id: str | None = None
    purpose: str | None = None


def datastore(url: str) -> PostgresDatastore:
    """The library's connections to a database."""
    parts = urlsplit(url)
    place = parse_qs(parts.query)
    return PostgresDatastore(
        dbname=parts.path.removeprefix("/"),
        host=place["host"][0],
        port=place["port"][0],
        user=parts.username or "",
        password=parts.password or "",
        pool_size=2,
    )


def rebuild(store: PostgresDatastore) -> int:
    """Make the view again; returns its number of rows."""
    recorder = PostgresApplicationRecorder(store)
    decode = msgspec.json.Decoder(Fields).decode
    rows: dict[UUID | str, tuple[int, int, Fields]] = {}
    for page in _pages(recorder):
        for event in page:
            stream, fields = event.originator_id, decode(event.state)
            if event.originator_version == 1:
                rows[stream] = (1, event.id, fields)
            else:
                before = rows[stream][2]
                before.purpose = fields.purpose
                rows[stream] = (event.originator_version, event.id, before)
    encode = msgspec.json.Encoder().encode
    with store.get_connection() as connection, connection.cursor() as cursor:
        cursor.execute(FRESH)
        with cursor.copy(
            "COPY view_new (stream_id, version, position, doc) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.set_types(["uuid", "int8", "int8", "jsonb"])
            for stream, (version, position, fields) in rows.items():
                copy.write_row((stream, version, position, _Json(encode(fields))))
        cursor.execute(SWAP)
    return len(rows)


def _pages(recorder: PostgresApplicationRecorder) -> Iterator[list[Notification]]:
    after = 0
    while page := list(recorder.select_notifications(after + 1, PAGE)):
        yield page
        after = page[-1].id


class _Json:
    """Encoded JSON, to be copied as it is."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text


class _Dumper(Dumper):
    oid = 3802  # jsonb
    format = Format.BINARY

    def dump(self, obj: _Json) -> bytes:
        """The version of the form, and the text."""
        return b"\x01" + obj.text


def main() -> None:
    """Rebuild the database whose URL is given, and print the number of rows."""
    psycopg.adapters.register_dumper(_Json, _Dumper)
    store = datastore(sys.argv[1])
    try:
        sys.stdout.write(f"{rebuild(store)}\n")
    finally:
        store.close()


if __name__ == "__main__":
    main()
