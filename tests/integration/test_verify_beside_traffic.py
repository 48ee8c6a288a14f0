"""`verify` and `rebuild` find nothing beside writers, and keep no snapshot open."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from support import given
from support.beside import silent, verify_beside_writers_and_rebuilds
from support.database import ONE_PARTITION
from support.deep import deepen_ai

from app.integrity.verify import MAX_DIFFERENCES, verify
from app.log import read
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild import pieces
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from domain.ai_session import AISession
from domain.ids import StreamId
from projections.catalog import VIEWS


@pytest.mark.parametrize("events_a_page", [100, 5_000])
async def test_nothing_is_found_beside_writers_and_rebuilds(
    service: Service,
    store: Connection,
    database_url: str,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    events_a_page: int,
) -> None:
    monkeypatch.setattr(read, "PAGE_EVENTS", events_a_page)
    await verify_beside_writers_and_rebuilds(service, store, database_url, keyring)


@pytest.fixture
async def fifteen_thousand_events(service: Service, owner: asyncpg.Connection) -> None:
    """A third of them in one stream, the others each in its own."""
    session = given.session_of(await given.open_ai_session(service))
    await deepen_ai(owner, StreamId(UUID(session)), 5_000)
    await copy_sessions(owner, 10_000)


@pytest.mark.usefixtures("fifteen_thousand_events")
@ONE_PARTITION
async def test_no_snapshot_of_a_verification_outlives_a_page(
    store: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds a snapshot keeps all from clearing away what hot rows leave behind."""
    monkeypatch.setattr(read, "PAGE_EVENTS", 500)
    rows = Counter[object]()
    ask = store.ask

    async def counted(sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        found = await ask(sql, *arguments)
        # The same in all statements of a transaction.
        rows[await store.raw.fetchval("SELECT now()")] += len(found)
        return found

    monkeypatch.setattr(store, "ask", counted)
    assert await verify(store, keyring, silent) == []
    assert rows.total() > 25_000
    assert max(rows.values()) <= 500 + len(VIEWS) * (500 + MAX_DIFFERENCES + 2)
    assert not store.raw.is_in_transaction()


@pytest.mark.usefixtures("fifteen_thousand_events")
@ONE_PARTITION
async def test_no_snapshot_of_a_rebuild_outlives_a_piece(
    store: Connection, owner: asyncpg.Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_ROWS", 500)
    compare = pieces.differing
    snapshots = set[object]()

    async def counted(connection: asyncpg.Connection, *arguments: Any) -> Any:
        snapshots.add(await connection.fetchval("SELECT now()"))
        return await compare(connection, *arguments)

    monkeypatch.setattr(pieces, "differing", counted)
    await owner.execute("UPDATE ai_session_info SET created_by = 'x'")  # all are to be compared
    rebuilt = await rebuild(store, keyring, named(()), silent)
    assert rebuilt.mended["ai_session_info"] >= 10_000
    assert len(snapshots) >= 10_000 / 500


async def copy_sessions(owner: asyncpg.Connection, count: int) -> None:
    """So many sessions like the one that is there, each with the one event of its creation."""
    await owner.execute(
        """
        WITH fresh AS (
            SELECT gen_random_uuid() AS stream, h.position + n AS position, h.recorded_at
              FROM log_partition AS h, generate_series(1, $1) AS n
        ), logged AS (
            INSERT INTO stored_events
            SELECT 0, f.stream, 1, 'ai_session.created.v1', '{}', f.position, gen_random_uuid(),
                   f.recorded_at, 'eve', '{}'
              FROM fresh AS f
        ), shown AS (
            INSERT INTO ai_session_info
            SELECT 0, f.stream, 1, f.position, 'eve', f.recorded_at, 'eve', f.recorded_at, $2
              FROM fresh AS f
        )
        UPDATE log_partition SET position = position + $1
        """,
        count,
        msgspec.json.encode(AISession()).decode(),
    )
