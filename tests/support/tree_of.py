"""What the trees of a log should be, from its events alone."""

import asyncio
import hashlib
import struct
from typing import Any

from app.followers import tree as growing
from app.log.read import heads
from app.proof import tree
from app.proof.edge import TILE
from app.proof.verifier import root_of
from app.service import Service
from support.patience import patient

ROWS = (
    "SELECT partition, notification_id, originator_id, originator_version, topic, state, event_id, "
    "actor, metadata::text AS metadata, CASE WHEN isfinite(recorded_at) THEN "
    "(extract(epoch FROM recorded_at) * 1000000)::bigint ELSE 9223372036854775807 END AS us "
    "FROM stored_events WHERE partition = $1"
)
"""The events of a partition; those that are over all times get the last one."""


async def caught_up(service: Service) -> None:
    """Have a worker's follower take up all there is."""
    follower = growing.follower(service.log, service.settings)
    async with asyncio.timeout(patient(20)):
        while await follower.behind():
            await follower.round()
    await follower.stop()


async def leaves(service: Service, partition: int) -> list[bytes]:
    """The hashes of a partition's leaves, as the format says it."""
    rows = await service.pool.ask(f"{ROWS} ORDER BY notification_id", partition)
    return [hashlib.sha256(b"\0" + leaf(row)).digest() for row in rows]


def leaf(row: Any) -> bytes:
    """The data of a leaf."""
    columns = [
        struct.pack(">q", row["partition"]),
        struct.pack(">q", row["notification_id"]),
        row["originator_id"].bytes,
        struct.pack(">q", row["originator_version"]),
        row["topic"].encode(),
        bytes(row["state"]),
        row["event_id"].bytes,
        struct.pack(">q", row["us"]),
        row["actor"].encode(),
        row["metadata"].encode(),
    ]
    return b"sessionary/event/v1" + b"".join(
        struct.pack(">Q", len(column)) + column for column in columns
    )


async def rows(service: Service) -> list[tuple[Any, ...]]:
    """All rows of hashes."""
    found = await service.pool.ask(
        "SELECT partition, level, tile_index, hashes FROM tree_tile ORDER BY 1, 2, 3"
    )
    return [tuple(row) for row in found]


async def require_whole(service: Service) -> None:
    """Compare the tables with the trees of the log."""
    expected: list[tuple[Any, ...]] = []
    for head in await heads(service.pool):
        found = await leaves(service, head.partition)
        assert len(found) == head.position == await tree.size_of(service.pool, head.partition)
        level, hashes = 0, found
        while hashes:
            parts = [hashes[at : at + TILE] for at in range(0, len(hashes), TILE)]
            for index, part in enumerate(parts):
                expected.append((head.partition, level, index, b"".join(part)))
            hashes = [root_of(part) for part in parts if len(part) == TILE]
            level += 1
        (root,) = await tree.roots(service.pool, head.partition, [head.position])
        assert root == root_of(found)
    assert await rows(service) == expected
