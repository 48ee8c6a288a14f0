"""Each partition: which node has it, how much it holds, and how fast it grows."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from app.database.sql import blocks
from app.log.read import Asks, Head, heads

SQL = blocks(__file__)
LATELY_S = 60.0
"""The time that the rate is the mean of."""
_COUNTED = 1_000_000
"""Up to so many events, sessions are counted; of a larger log the last ANALYZE tells."""


class Partition(Struct, frozen=True, kw_only=True, rename="camel"):
    """A partition of the log."""

    partition: int
    node: str
    """The server that has it: `10.0.0.7:5432`, or `local:5432` if it was reached by a socket."""
    position: str
    """Of its last event: `0:17`."""
    events: int
    sessions: int
    """AI sessions and chat sessions that are there."""
    sessions_estimated: bool
    table_bytes: int
    """Of one server's tables, the part that its events are of all events."""
    index_bytes: int
    per_second: float
    """Appended events, in the mean of the last minute."""


class _Place(Struct, frozen=True):
    node: str
    table_bytes: int
    index_bytes: int


async def partitions(store: Asks) -> list[Partition]:
    """All of them, in order. Raises StoreDown, or the database's own error."""
    ends = await heads(store)
    places = await _places(store, ends)
    estimated = sum(end.position for end in ends) > _COUNTED
    sessions = await (_estimated if estimated else _counted)(store, ends)
    rates = await _rates(store)
    return [
        Partition(
            partition=end.partition,
            node=place.node,
            position=f"{end.partition}:{end.position}",
            events=end.position,
            sessions=sessions[end.partition],
            sessions_estimated=estimated,
            table_bytes=place.table_bytes,
            index_bytes=place.index_bytes,
            per_second=rates[end.partition],
        )
        for end, place in zip(ends, places, strict=True)
    ]


async def _places(store: Asks, ends: Sequence[Head]) -> list[_Place]:
    (found,) = await store.ask(SQL["knows_nodes"])
    if found["knows"] and (await store.ask(SQL["is_distributed"]))[0]["so"]:
        rows = {row["partition"]: row for row in await store.ask(SQL["nodes"], len(ends))}
        return [
            _Place(row["node"], row["table_bytes"], row["index_bytes"])
            for row in (rows[end.partition] for end in ends)
        ]
    (here,) = await store.ask(SQL["here"])
    return [
        _Place(here["node"], round(here["table_bytes"] * share), round(here["index_bytes"] * share))
        for share in _shares(ends)
    ]


def _shares(ends: Sequence[Head]) -> list[float]:
    """The part of all events that is in each partition; of an empty log, equal ones."""
    events = sum(end.position for end in ends)
    return [end.position / events if events else 1 / len(ends) for end in ends]


async def _counted(store: Asks, ends: Sequence[Head]) -> Mapping[int, int]:
    rows = {row["partition"]: row["sessions"] for row in await store.ask(SQL["sessions"])}
    return {end.partition: rows.get(end.partition, 0) for end in ends}


async def _estimated(store: Asks, ends: Sequence[Head]) -> Mapping[int, int]:
    (found,) = await store.ask(SQL["rows"])
    return {
        end.partition: round(found["sessions"] * share)
        for end, share in zip(ends, _shares(ends), strict=True)
    }


async def _rates(store: Asks) -> Mapping[int, float]:
    rows = await store.ask(SQL["lately"], LATELY_S)
    return {row["partition"]: round(row["events"] / LATELY_S, 2) for row in rows}
