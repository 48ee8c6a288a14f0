"""Reads events as they are stored, for their leaves: nothing is decoded, and no key is needed."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import Struct

from app.database.sql import blocks
from app.log.keyring import Keyring
from app.log.read import Asks
from app.proof.leaves import Event, leaf_data

SQL = blocks(__file__)
SLICE_EVENTS = 100
"""Events that are hashed in one go: about a millisecond."""


class Hashed(Struct, frozen=True):
    """The leaves of a partition's next events, hashed by PostgreSQL."""

    after: int
    """Position behind which they begin."""
    position: int
    """Of the last one."""
    events: int
    """Fewer than the positions between these two: some are missing."""
    last: UUID
    """Id of the last one."""
    hashes: bytes
    """One behind the other."""
    metadata: Sequence[bytes]
    """JSON of each of them, if it was wanted."""


async def read_stored(
    store: Asks,
    keyring: Keyring | None,
    partition: int,
    *,
    after: int,
    until: int,
    most: int,
    most_bytes: int,
) -> Iterator[list[Event]]:
    """The first events of a partition after a position and up to another, slice by slice.

    `keyring` is not used; `most_bytes`: of the states of all events but the last. Raises StoreDown.
    """
    rows = await store.ask(SQL["read_stored"], partition, after, until, most, most_bytes)
    return (
        [Event._make(row) for row in rows[start : start + SLICE_EVENTS]]
        for start in range(0, len(rows), SLICE_EVENTS)
    )


async def read_hashed(
    store: Asks,
    partition: int,
    *,
    after: int,
    until: int,
    most: int,
    most_bytes: int,
    with_metadata: bool = False,
) -> Hashed | None:
    """The hashes of the leaves of the same events as `read_stored` reads; None: there are none.

    `leaf_of` says what is hashed, and the verifier believes only that. Raises StoreDown.
    """
    rows = await store.ask(
        SQL["read_hashed"], partition, after, until, most, most_bytes, with_metadata
    )
    return Hashed(after, *rows[0]) if rows else None


async def read_some(store: Asks, partition: int, positions: Sequence[int]) -> list[Event]:
    """The events at positions, in their order; missing ones are left out. Raises StoreDown."""
    return [
        Event._make(row) for row in await store.ask(SQL["read_some"], partition, list(positions))
    ]


def leaf_of(event: Event) -> bytes:
    """The data of an event's leaf."""
    return leaf_data(**event._asdict())
