"""A log that is distributed over the nodes of a Citus, if TEST_CITUS_URL names one."""

import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex

import pytest
from support import citus, database, given, tree_of
from support.database import SEVERAL

from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.operations.partitions import partitions as shown
from app.proof.verifier import root_of
from app.service import Service

from . import test_partitions as of_partitions

pytestmark = citus.needed

test_commands_are_spread = (
    of_partitions.test_commands_are_spread_and_each_partition_counts_for_itself
)
test_a_key_is_found_again = of_partitions.test_a_key_is_found_again_by_whoever_is_asked
test_lists_show_all_of_them = of_partitions.test_lists_show_all_of_them
test_the_queue_is_one = of_partitions.test_the_queue_is_one
test_views_are_verified_and_rebuilt = (
    of_partitions.test_views_are_verified_and_rebuilt_beside_writers
)


@pytest.fixture
def partitions() -> int:
    return SEVERAL


@pytest.fixture(scope="session")
async def distributed() -> AsyncIterator[str]:
    """The database on all nodes that those of these tests are copies of."""
    async with database.migrated(citus.URL, SEVERAL) as name:
        yield name


@pytest.fixture
async def database_url(distributed: str) -> AsyncIterator[str]:
    name = f"sessionary_test_{token_hex(8)}"
    async with database.created(citus.URL, name, distributed) as url:
        yield url


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def test_each_partition_is_on_its_own_and_the_nodes_take_turns(
    service: Service, store: Connection
) -> None:
    nodes = [row.node for row in await shown(store)]
    assert len(nodes) == SEVERAL
    assert len(set(nodes)) == min(SEVERAL, len(await citus.nodes()) - 1)
    assert nodes == [row.node for row in await shown(service.pool)]


async def test_a_partition_moves_to_another_node_while_all_write(
    service: Service, store: Connection, keyring: Keyring
) -> None:
    made = [await given.open_ai_session(service) for _ in range(4 * SEVERAL)]
    moved = made[0].folded.partition
    before = await shown(store)
    (here,) = {each.node for each in before if each.partition == moved}
    others = {each.node for each in before} - {here}
    if not others:
        pytest.skip("this Citus has one node that takes tables")
    before_leaves = await tree_of.leaves(service, moved)
    done = asyncio.Event()

    async def write() -> int:
        written = 0
        while not done.is_set():
            for each in made:
                await given.patch_ai_session(service, given.session_of(each), f"at {written}")
                written += 1
        return written

    writing = asyncio.create_task(write())
    there = min(others)
    source, target = here.rpartition(":"), there.rpartition(":")
    await store.raw.execute(
        "SELECT citus_move_shard_placement(get_shard_id_for_distribution_column("
        "'stored_events', $1::integer), $2, $3, $4, $5, 'block_writes')",
        moved, source[0], int(source[2]), target[0], int(target[2]),
    )  # fmt: skip
    done.set()
    assert await writing > 0
    after = await shown(store)
    assert {each.node for each in after if each.partition == moved} == {there}
    leaves = await tree_of.leaves(service, moved)
    assert root_of(leaves[: len(before_leaves)]) == root_of(before_leaves)
    await tree_of.caught_up(service)
    await tree_of.require_whole(service)
    assert await verify(store, keyring, silent) == []
