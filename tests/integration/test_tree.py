"""The tree over a partition is that of RFC 9162 over the log's events, whoever follows and when."""

import asyncio
import os
from random import Random

import asyncpg
import pytest
from support import tree_of
from support.database import ONE_PARTITION, SEVERAL
from support.histories import mixed
from support.patience import patient

from app.followers import follower as following
from app.followers import tree as growing
from app.followers.reset import reset
from app.maintenance.store import Connection
from app.proof import tree
from app.proof.verifier import root_of, verify_consistency, verify_inclusion
from app.service import Service

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
SESSIONS = int(os.environ.get("TEST_TREE_SESSIONS", "60"))


@PARTITIONS
async def test_it_is_that_of_the_log(service: Service, other_service: Service) -> None:
    await mixed(service, 1, SESSIONS)
    await tree_of.caught_up(service)
    await tree_of.require_whole(service)
    await mixed(service, 2, 5)
    await tree_of.caught_up(other_service)  # which takes it from the tables
    await tree_of.require_whole(service)


@PARTITIONS
async def test_it_proves_each_event_at_each_size(service: Service) -> None:
    await mixed(service, 1, SESSIONS)
    await tree_of.caught_up(service)
    random = Random(7)
    for partition in range(service.log.partitions):
        leaves = await tree_of.leaves(service, partition)
        sizes = [1, 2, len(leaves), *(random.randint(1, len(leaves)) for _ in range(30))]
        roots = await tree.roots(service.pool, partition, sizes)
        assert roots == [root_of(leaves[:size]) for size in sizes]
        for size, root in zip(sizes, roots, strict=True):
            index = random.randrange(size)
            path = await tree.inclusion(service.pool, partition, index, size)
            verify_inclusion(leaves[index], index, size, path, root)
            old = random.randint(1, size)
            proof = await tree.consistency(service.pool, partition, old, size)
            verify_consistency(old, root_of(leaves[:old]), size, root, proof)


async def test_two_workers_that_race_make_one_tree(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    followers = [growing.follower(each.log, each.settings) for each in (service, other_service)]
    for each in followers:
        each._batch = 7
    writing = asyncio.create_task(mixed(service, 1, SESSIONS))
    random = Random(3)
    while not writing.done():
        await owner.execute("UPDATE lease SET until = now() WHERE name = 'follow_tree'")
        await asyncio.gather(*(each.round() for each in random.sample(followers, 2)))
    await writing
    for each in followers:
        await each.stop()
    await tree_of.caught_up(service)
    await tree_of.require_whole(service)


async def test_one_that_is_killed_between_batches_loses_and_doubles_nothing(
    service: Service, other_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LEASE_S", 0.2)
    monkeypatch.setattr(growing, "_LEAST_EVENTS", 5)
    settings = service.settings
    await mixed(service, 1, SESSIONS)
    for turn in range(5):
        worker = (service, other_service)[turn % 2]
        small = growing.follower(worker.log, settings)
        small._batch = 13
        task = asyncio.create_task(small.keep_following())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        small._token = None
    await asyncio.sleep(0.3)
    await tree_of.caught_up(other_service)
    await tree_of.require_whole(service)


@ONE_PARTITION
async def test_what_is_left_behind_whole_batches_waits_for_the_next_look(service: Service) -> None:
    await mixed(service, 1, 5)
    follower = growing.follower(service.log, service.settings)
    follower._batch = 7
    behind = await follower.behind()
    assert behind % 7
    assert await follower.round() == behind // 7 * 7
    assert await follower.round() == await tree.size_of(service.pool, 0) % 7 == behind % 7
    await follower.stop()
    await tree_of.require_whole(service)


async def test_it_is_made_anew_at_will(service: Service, store: Connection) -> None:
    await mixed(service, 1, 5)
    await tree_of.caught_up(service)
    before = await tree_of.rows(service)
    await reset(store, "tree")
    assert await tree_of.rows(service) == []
    await tree_of.caught_up(service)
    assert await tree_of.rows(service) == before != []


@pytest.mark.parametrize("change", ["UPDATE tree SET last_event = gen_random_uuid()",
                                    "UPDATE tree SET size = size - 1",
                                    "UPDATE tree SET frontier = ''",
                                    "DELETE FROM tree"])  # fmt: skip
async def test_that_of_another_log_is_made_anew(
    service: Service, owner: asyncpg.Connection, change: str
) -> None:
    await mixed(service, 1, 5)
    await tree_of.caught_up(service)
    await owner.execute(change)
    await mixed(service, 2, 5)
    await tree_of.caught_up(service)
    await tree_of.require_whole(service)


async def test_an_event_that_cannot_be_read_is_a_leaf_like_any_other(
    service: Service, owner: asyncpg.Connection
) -> None:
    await mixed(service, 1, 5)
    async with owner.transaction():
        await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
        await owner.execute(
            "UPDATE stored_events SET state = '\\xff', topic = 'x' WHERE notification_id = 3"
        )
        await owner.execute("ALTER TABLE stored_events ENABLE TRIGGER append_only")
    await tree_of.caught_up(service)
    await tree_of.require_whole(service)
    assert await owner.fetchval("SELECT count(*) FROM quarantine WHERE follower = 'tree'") == 0


@ONE_PARTITION
async def test_it_ends_before_a_hole_and_says_so(
    service: Service, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await mixed(service, 1, 5)
    async with owner.transaction():
        await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
        await owner.execute("DELETE FROM stored_events WHERE (partition, notification_id) = (0, 3)")
        await owner.execute("ALTER TABLE stored_events ENABLE TRIGGER append_only")
    follower = growing.follower(service.log, service.settings)
    for _ in range(3):
        await follower.round()
    await follower.stop()
    assert await tree.size_of(service.pool, 0) == 0
    (told,) = [each.getMessage() for each in caplog.records if "lacks" in each.getMessage()]
    assert told.startswith("Partition 0 lacks a position after 0")


async def test_it_follows_a_service_that_runs(service: Service) -> None:
    follower = growing.follower(service.log, service.settings)
    task = asyncio.create_task(follower.keep_following())
    await mixed(service, 1, 5)
    async with asyncio.timeout(patient(10)):
        while await follower.behind():
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await tree_of.require_whole(service)
