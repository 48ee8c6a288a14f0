"""PostgreSQL hashes the same leaves as the verifier, whatever the columns hold."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from app.maintenance.store import Connection
from app.proof.stored import Hashed, leaf_of, read_hashed, read_stored
from app.proof.verifier import leaf_data, leaf_hash

GOLDEN = sorted((Path(__file__).parents[1] / "unit" / "golden").glob("*.json"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)
FIRST, LAST = -(2**63), 2**63 - 1
TIMES = st.sampled_from([
    ("infinity", LAST), ("-infinity", FIRST), ("294276-12-31 23:59:59.999999Z", LAST),
    ("4713-01-01 00:00:00Z BC", FIRST), ("0001-12-31 23:59:59.999999Z BC", FIRST),
    ("0001-01-01Z", -62_135_596_800_000_000), ("9999-12-31Z", 253_402_214_400_000_000),
    ("9999-12-31 00:00:00.000001Z", LAST), ("1969-12-31 23:59:59.999999Z", -1),
    ("1970-01-01Z", 0), ("1999-12-31 23:59:59.999999Z", 946_684_799_999_999),
    ("2000-01-01Z", 946_684_800_000_000), ("2000-01-01 00:00:00.000001Z", 946_684_800_000_001),
]) | st.datetimes(timezones=st.just(UTC)).filter(lambda at: at < END).map(
    lambda at: (at.isoformat(), (at - EPOCH) // timedelta(microseconds=1))
)  # fmt: skip
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
BIGINTS = st.integers(FIRST, LAST)
MUCH = 2**40
NEW_YEAR = ("2026-01-01Z", 1_767_225_600_000_000)
INSERT = """
INSERT INTO stored_events (partition, notification_id, originator_id, originator_version, topic,
                           state, event_id, recorded_at, actor, metadata)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::timestamptz, $9, $10::text::jsonb)
RETURNING metadata::text"""


class Row(Struct, frozen=True):
    """An event that no append would write."""

    stream: UUID
    version: int
    topic: str
    state: bytes
    event_id: UUID
    at: tuple[str, int]
    actor: str
    metadata: str


ROWS = st.builds(
    Row, stream=st.uuids(), version=BIGINTS, topic=TEXTS, state=st.binary(), event_id=st.uuids(),
    at=TIMES, actor=TEXTS, metadata=VALUES.map(json.dumps),
)  # fmt: skip


async def written(store: Connection, partition: int, after: int, rows: Sequence[Row]) -> bytes:
    """Write them without the log's checks; the hashes of their leaves, by the verifier."""
    await store.raw.execute("SET LOCAL session_replication_role = replica")
    hashes = list[bytes]()
    for position, row in enumerate(rows, after + 1):
        metadata = await store.raw.fetchval(
            INSERT, partition, position, row.stream, row.version, row.topic, row.state,
            row.event_id, row.at[0], row.actor, row.metadata,
        )  # fmt: skip
        data = leaf_data(
            partition=partition, position=position, stream=row.stream, version=row.version,
            topic=row.topic, state=row.state, event_id=row.event_id, recorded_at_us=row.at[1],
            actor=row.actor, metadata=metadata,
        )  # fmt: skip
        hashes.append(leaf_hash(data))
    return b"".join(hashes)


async def hashed(
    store: Connection, after: int, most: int = 5_000, most_bytes: int = MUCH
) -> Hashed:
    found = await read_hashed(
        store, 0, after=after, until=LAST, most=most, most_bytes=most_bytes, with_metadata=True
    )
    assert found is not None
    return found


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    partition=st.integers(-(2**31), 2**31 - 1),
    after=st.integers(0, LAST - 10),
    rows=st.lists(ROWS, min_size=1, max_size=5, unique_by=lambda row: (row.stream, row.version)),
)
async def test_whatever_the_columns_hold(
    store: Connection, partition: int, after: int, rows: list[Row]
) -> None:
    transaction = store.raw.transaction()
    await transaction.start()
    try:
        expected = await written(store, partition, after, rows)
        found = await read_hashed(
            store, partition, after=after, until=LAST, most=9, most_bytes=MUCH, with_metadata=True
        )
    finally:
        await transaction.rollback()
    assert found is not None
    assert found.hashes == expected
    assert (found.after, found.position) == (after, after + len(rows))
    assert (found.events, found.last) == (len(rows), rows[-1].event_id)
    assert len(found.metadata) == len(rows)


async def test_each_form_that_was_ever_stored(store: Connection) -> None:
    rows = [
        Row(uuid4(), 1, path.stem, sample["stored"].encode(), uuid4(), NEW_YEAR, "someone",
            '{"b": 1, "a": "é"}')
        for path in GOLDEN
        for sample in msgspec.json.decode(path.read_bytes())
    ]  # fmt: skip
    assert len(rows) > len(GOLDEN) > 30
    async with store.raw.transaction():
        expected = await written(store, 0, 0, rows)
    assert (await hashed(store, 0)).hashes == expected


@pytest.mark.parametrize(("most", "most_bytes", "count"), [(3, MUCH, 3), (9, 1, 1), (9, 150, 2)])
async def test_it_ends_where_the_reading_of_the_columns_does(
    store: Connection, most: int, most_bytes: int, count: int
) -> None:
    row = Row(uuid4(), 1, "topic", bytes(100), uuid4(), NEW_YEAR, "actor", "{}")
    rows = [msgspec.structs.replace(row, version=version) for version in range(1, 8)]
    async with store.raw.transaction():
        await written(store, 0, 0, rows)
    slices = await read_stored(
        store, None, 0, after=2, until=LAST, most=most, most_bytes=most_bytes
    )
    events = [event for each in slices for event in each]
    found = await hashed(store, 2, most, most_bytes)
    assert found.hashes == b"".join(leaf_hash(leaf_of(event)) for event in events)
    assert (found.position, found.events) == (events[-1].position, count)


async def test_a_missing_event_shows_in_their_number(store: Connection) -> None:
    row = Row(uuid4(), 1, "topic", b"state", uuid4(), NEW_YEAR, "actor", "{}")
    rows = [msgspec.structs.replace(row, version=version) for version in range(1, 8)]
    async with store.raw.transaction():
        await written(store, 0, 0, rows)
        await store.raw.execute("DELETE FROM stored_events WHERE notification_id IN (1, 4)")
    found = await hashed(store, 0)
    assert (found.position - found.after, found.events) == (7, 5)
    none = await read_hashed(store, 0, after=7, until=LAST, most=9, most_bytes=MUCH)
    assert none is None
    bare = await read_hashed(store, 0, after=0, until=LAST, most=9, most_bytes=MUCH)
    assert bare is not None
    assert bare.metadata == []
