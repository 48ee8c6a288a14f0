"""What operators see of the partitions: where each is, how much it holds, how fast it grows."""

import asyncpg
import pytest
from support import given
from support.database import SEVERAL

from app.log.read import heads
from app.maintenance.store import Connection
from app.operations import partitions as shown
from app.service import Service
from domain.ids import partition_of

pytestmark = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
SESSIONS = 12


async def test_each_has_its_events_sessions_and_part_of_the_server(
    service: Service, store: Connection, partitions: int
) -> None:
    opened = [await given.open_ai_session(service) for _ in range(SESSIONS)]
    await given.open_chat_session(service)
    await given.delete_ai_session(service, given.session_of(opened[0]))
    for asked in (service.pool, store):  # by the service's login, and by the owner's
        found = await shown.partitions(asked)
        assert [each.position for each in found] == [
            f"{end.partition}:{end.position}" for end in await heads(service.pool)
        ]
        assert sum(each.events for each in found) == SESSIONS + 2
        assert sum(each.sessions for each in found) == SESSIONS
        assert not any(each.sessions_estimated for each in found)
        assert sum(each.per_second for each in found) == pytest.approx(
            (SESSIONS + 2) / shown.LATELY_S, abs=0.01 * partitions
        )
        (node,) = {each.node for each in found}
        assert node.rpartition(":")[2].isdigit()
        for each in found:
            assert (each.table_bytes > 0) == (each.index_bytes > 0) == (each.events > 0)
    homes = [partition_of(each.folded.stream, partitions) for each in opened]
    for each in found:
        assert each.events >= homes.count(each.partition)


async def test_an_empty_log_has_all_of_them(store: Connection, partitions: int) -> None:
    found = await shown.partitions(store)
    assert [each.partition for each in found] == list(range(partitions))
    assert {(each.events, each.sessions, each.per_second) for each in found} == {(0, 0, 0.0)}
    assert all(each.index_bytes for each in found)


async def test_sessions_of_a_large_log_are_those_of_its_statistics(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    partitions: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(SESSIONS):
        await given.open_ai_session(service)
    await owner.execute("ANALYZE ai_session_info")
    monkeypatch.setattr(shown, "_COUNTED", SESSIONS - 1)
    found = await shown.partitions(store)
    assert all(each.sessions_estimated for each in found)
    assert [each.sessions for each in found] == [each.events for each in found]


async def test_only_events_of_the_last_minute_count_as_growth(
    service: Service, store: Connection, owner: asyncpg.Connection, partitions: int
) -> None:
    for _ in range(SESSIONS):
        await given.open_ai_session(service)
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE stored_events SET recorded_at = recorded_at - make_interval(secs => $1)",
        shown.LATELY_S,
    )
    await owner.execute("ALTER TABLE stored_events ENABLE TRIGGER USER")
    before = {each.partition: each.events for each in await shown.partitions(store)}
    for _ in range(SESSIONS):
        await given.open_ai_session(service)
    for each in await shown.partitions(store):
        grown = each.events - before[each.partition]
        assert each.per_second == round(grown / shown.LATELY_S, 2)
