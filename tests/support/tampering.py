"""A superuser who alters a log in any way, knows how its tree is made, and has no master key."""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Self

import asyncpg

from app.proof.edge import Edge, rows_of
from app.proof.verifier import leaf_hash
from support import tree_of
from support.signed import Signer, checkpoint_of, signed

Place = tuple[int, int]
"""A partition, and a position there."""
TABLES = (
    "stored_events", "log_partition", "tree", "tree_tile", "log_checkpoint", "signing_key",
)  # fmt: skip
_HERE = "WHERE partition = $1 AND notification_id = $2"
FLIPS = {
    "partition": "partition = partition + 1",
    "position": "notification_id = notification_id # (1 << floor(random() * 8)::integer)",
    "sign of the position": "notification_id = -notification_id",
    "stream": "originator_id = gen_random_uuid()",
    "version": "originator_version = originator_version + 1",
    "type": "topic = overlay(topic PLACING 'X' FROM 1 + floor(random() * length(topic))::integer"
    " FOR 1)",
    "state": "state = set_byte(state, at, get_byte(state, at) # 1)",
    "length of the state": "state = state || ' '",
    "event id": "event_id = overlay(event_id::text PLACING"
    " CASE right(event_id::text, 1) WHEN '0' THEN '1' ELSE '0' END FROM 36)::uuid",
    "metadata": "metadata = metadata || jsonb_build_object('client', md5(random()::text))",
}


class Attacker:
    """Alters, hashes anew, signs with a key of its own, and brings all back for the next try."""

    def __init__(self, raw: asyncpg.Connection, random: Random, sizes: Mapping[int, int]) -> None:
        """`sizes`: of the checkpoints that somebody keeps, by partition."""
        self.raw = raw
        self.random = random
        self.sizes = sizes

    @classmethod
    async def let_in(
        cls, raw: asyncpg.Connection, random: Random, sizes: Mapping[int, int]
    ) -> Self:
        """Take all guards away, and copy what there is."""
        await raw.execute("SET session_replication_role = replica")
        for constraint in ("pkey", "partition_notification_id_key"):
            await raw.execute(
                f"ALTER TABLE stored_events DROP CONSTRAINT stored_events_{constraint}"
            )
        await raw.execute("CREATE SCHEMA before")
        for table in TABLES:
            await raw.execute(f"CREATE TABLE before.{table} AS TABLE public.{table}")
        return cls(raw, random, {each: size for each, size in sizes.items() if size > 9})

    async def undo(self) -> None:
        """Bring all back."""
        for table in TABLES:
            await self.raw.execute(
                f"TRUNCATE public.{table};"
                f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE TABLE before.{table}"
            )

    def somewhere(self, before_end: int = 0) -> Place:
        """An event that a checkpoint covers, and so many behind it."""
        partition = self.random.choice(list(self.sizes))
        return partition, self.random.randint(1, self.sizes[partition] - before_end)

    async def bad(self) -> list[Place]:
        """Where the log differs in truth, up to the checkpoints; the first place first.

        Of two events in one place both are there; what stands before all is in the first one's.
        """
        rows = await self.raw.fetch(
            "WITH now AS (TABLE public.stored_events), was AS (TABLE before.stored_events) "
            "SELECT DISTINCT partition, greatest(1, notification_id) AS position FROM ("
            "(TABLE now EXCEPT ALL TABLE was) UNION ALL (TABLE was EXCEPT ALL TABLE now)) AS d"
        )
        found = [(each["partition"], each["position"]) for each in rows]
        return sorted(each for each in found if each[1] <= self.sizes.get(each[0], 0))

    async def renumber(self, partition: int) -> None:
        """Leave no hole, and no two events in one place."""
        await self.raw.execute(
            "UPDATE stored_events AS e SET notification_id = n.number FROM (SELECT s.ctid AS row,"
            " row_number() OVER (ORDER BY s.notification_id, s.ctid) AS number FROM stored_events"
            " AS s WHERE s.partition = $1) AS n WHERE e.ctid = n.row",
            partition,
        )

    async def hash_anew(self) -> None:
        """Make heads and trees of what is there now, as a follower would."""
        for partition, leaves in await self._leaves():
            edge, added = Edge(), list[bytearray]()
            edge.add(b"".join(leaves), added)
            grown = rows_of(0, added)
            await self.raw.execute("DELETE FROM tree_tile WHERE partition = $1", partition)
            await self.raw.execute(
                "INSERT INTO tree_tile SELECT $1, * FROM"
                " unnest($2::integer[], $3::bigint[], $4::bytea[])",
                partition, grown.levels, grown.indexes, grown.hashes,
            )  # fmt: skip
            await self.raw.execute("UPDATE tree SET size = $2, frontier = $3 WHERE partition = $1",
                                   partition, edge.size, edge.frontier())  # fmt: skip
            await self.raw.execute("UPDATE log_partition SET position = $2 WHERE partition = $1",
                                   partition, edge.size)  # fmt: skip

    async def sign_anew(self, name: str) -> None:
        """Hash anew, and sign checkpoints of many sizes with a key of one's own."""
        await self.hash_anew()
        own = Signer(name)
        await self.raw.execute("DELETE FROM log_checkpoint; UPDATE signing_key SET until = now()")
        await self.raw.execute(
            "INSERT INTO signing_key (algorithm, public, sealed) VALUES (1, $1, $1)", own.key.public
        )
        for partition, leaves in await self._leaves():
            signer = Signer(f"{name}/{partition}", ed25519=own.ed25519)
            notes = [
                (
                    partition,
                    size,
                    str(signed(str(checkpoint_of(signer.name, leaves[:size])), signer)),
                )
                for size in range(1, len(leaves) + 1)
            ]
            await self.raw.executemany(
                "INSERT INTO log_checkpoint (partition, size, note) VALUES ($1, $2, $3)", notes
            )

    async def _leaves(self) -> list[tuple[int, list[bytes]]]:
        """The hashes of all events that there are now, by partition."""
        found = []
        for (partition,) in await self.raw.fetch("SELECT partition FROM tree"):
            rows = await self.raw.fetch(f"{tree_of.ROWS} ORDER BY notification_id", partition)
            found.append((partition, [leaf_hash(tree_of.leaf(row)) for row in rows]))
        return found


async def flip(by: Attacker) -> None:
    """A byte, or a little more, of any column."""
    flip = FLIPS[by.random.choice(list(FLIPS))]
    await by.raw.execute(
        f"UPDATE stored_events SET {flip} FROM (SELECT floor(random() * octet_length(state))"
        f"::integer AS at FROM stored_events {_HERE}) AS byte {_HERE}",
        *by.somewhere(),
    )


async def delete(by: Attacker) -> None:
    """One event, or some; a hole stays, or none."""
    partition, position = by.somewhere(3)
    until = position + by.random.choice((0, 0, 2))
    await by.raw.execute(
        "DELETE FROM stored_events WHERE partition = $1 AND notification_id BETWEEN $2 AND $3",
        partition, position, until,
    )  # fmt: skip
    if by.random.random() < 0.5:
        await by.renumber(partition)


async def insert(by: Attacker) -> None:
    """An event of its own stream: before all, beside another one, or between two."""
    partition, position = by.somewhere()
    at = by.random.choice((0, -by.random.randrange(100), position, position))
    await by.raw.execute(
        "INSERT INTO stored_events SELECT partition, gen_random_uuid(), 1, topic, state, $3,"
        f" gen_random_uuid(), recorded_at, actor, metadata FROM stored_events {_HERE}",
        partition, position, at,
    )  # fmt: skip
    if at == position and by.random.random() < 0.5:
        await by.renumber(partition)


async def swap(by: Attacker) -> None:
    """Two events, each with the position of the other one."""
    partition, one = by.somewhere()
    other = by.random.randint(1, by.sizes[partition])
    await by.raw.execute(
        "UPDATE stored_events SET notification_id = $2 + $3 - notification_id"
        " WHERE partition = $1 AND notification_id IN ($2, $3)",
        partition, one, other if other != one else one % by.sizes[partition] + 1,
    )  # fmt: skip


async def reorder(by: Attacker) -> None:
    """Some events that follow one another, turned by one place."""
    partition, position = by.somewhere(5)
    await by.raw.execute(
        "UPDATE stored_events SET notification_id = $2 + (notification_id - $2 + 1) % 5"
        " WHERE partition = $1 AND notification_id BETWEEN $2 AND $2 + 4",
        partition, position,
    )  # fmt: skip


async def truncate(by: Attacker) -> None:
    """All events, or all of a partition."""
    partition, _ = by.somewhere()
    if by.random.random() < 0.5:
        await by.raw.execute("TRUNCATE stored_events")
    else:
        await by.raw.execute("DELETE FROM stored_events WHERE partition = $1", partition)
    await by.raw.execute("UPDATE log_partition SET position = 0 WHERE partition = $1", partition)


async def cut_tail(by: Attacker) -> None:
    """The last events; the head follows, or not."""
    partition, position = by.somewhere()
    await by.raw.execute(
        "DELETE FROM stored_events WHERE partition = $1 AND notification_id >= $2",
        partition, position,
    )  # fmt: skip
    if by.random.random() < 0.5:
        await by.raw.execute("UPDATE log_partition SET position = $2 WHERE partition = $1",
                             partition, position - 1)  # fmt: skip


async def re_time(by: Attacker) -> None:
    """By a microsecond, an hour or to the end of all time, backwards or forwards."""
    change = by.random.choice(("1 us", "-1 us", "1 hour", "-1 hour", "infinity"))
    await by.raw.execute(
        f"UPDATE stored_events SET recorded_at = recorded_at + '{change}' {_HERE}", *by.somewhere()
    )


async def re_attribute(by: Attacker) -> None:
    """To somebody else, as actor or as caller."""
    what = by.random.choice(
        ("actor = CASE actor WHEN 'kim' THEN 'max' ELSE 'kim' END",
         "metadata = jsonb_set(metadata, '{requestId}', '\"request-0x\"')")
    )  # fmt: skip
    await by.raw.execute(f"UPDATE stored_events SET {what} {_HERE}", *by.somewhere())


async def roll_back(by: Attacker) -> None:
    """To an older state, with all that the log says of itself; another past may follow."""
    partition, position = by.somewhere(2)
    behind = f"WHERE partition = {partition} AND notification_id > {position}"
    await by.raw.execute(
        f"CREATE TEMP TABLE gone AS SELECT * FROM stored_events {behind};"
        f"DELETE FROM stored_events {behind}"
    )
    if by.random.random() < 0.5:
        await by.raw.execute(
            "INSERT INTO stored_events SELECT partition, originator_id, originator_version, topic, "
            "state, notification_id, gen_random_uuid(), recorded_at, actor, metadata FROM gone"
        )
    await by.raw.execute("DROP TABLE gone")
    await by.raw.execute("DELETE FROM log_checkpoint WHERE partition = $1 AND size > $2",
                         partition, position)  # fmt: skip


KINDS: Mapping[str, Callable[[Attacker], Awaitable[None]]] = {
    "flip": flip, "delete": delete, "insert": insert, "swap": swap, "reorder": reorder,
    "truncate": truncate, "cut tail": cut_tail, "re-time": re_time,
    "re-attribute": re_attribute, "roll back": roll_back,
}  # fmt: skip
