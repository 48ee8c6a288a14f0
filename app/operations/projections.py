"""Each view and follower: where it is, how far behind, and who owns it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

import asyncpg
from msgspec import Struct

from app.database import versions
from app.database.sql import blocks
from app.history.followed import FOLLOWERS
from app.log.read import Asks, Head, heads
from app.telemetry.metrics import Reading
from projections.catalog import VIEWS

SQL = blocks(__file__)
BEHIND_S = 10.0
"""A follower whose oldest pending event is older than this is behind: something is wrong."""

State = Literal["live", "kept", "not live", "following", "behind", "unattended"]

_STATES: Mapping[bool | None, State] = {True: "live", False: "kept", None: "not live"}


class Projection(Struct, frozen=True, kw_only=True, rename="camel"):
    """A view or a follower in one partition."""

    name: str
    version: int
    partition: int
    position: str
    """Up to which it has taken up the log: `0:17`."""
    lag_events: int
    lag_seconds: float
    """Age of the oldest event that it has not taken up; 0 if it has all."""
    state: State
    """`live`: written with each append; `kept`: another version is live, and workers with either
    one serve (its lag: the streams that its workers are to fold before they read); `not live`: a
    rebuild of this release's version is to come; `unattended`: no worker follows, and events wait.
    """
    owner: str | None
    """The worker that follows; null: none, or each append does it."""
    last_rebuild: datetime | None = None

    @property
    def is_well(self) -> bool:
        """Whether nobody has to look after it."""
        return self.state in ("live", "kept", "not live", "following")


async def projections(store: Asks) -> list[Projection]:
    """All of them, views first. Raises StoreDown, or the database's own error."""
    ends = await heads(store)
    followers = await store.ask(SQL["followers"], list(FOLLOWERS))
    rebuilt = {row["name"]: row["at"] for row in await store.ask(SQL["rebuilt"])}
    kept = await versions.kept(store.ask)
    marks = await store.ask(SQL["behind"])
    behind = {(row["name"], row["partition"]): row["streams"] for row in marks}
    views = _views(ends, kept, behind, rebuilt)
    return [*views, *(_follower(row, rebuilt) for row in followers)]


async def lag(store: Asks) -> list[Reading]:
    """What a scrape of the metrics shows of followers. Raises StoreDown."""
    found: dict[str, tuple[int, float]] = {}
    for each in map(_follower, await store.ask(SQL["followers"], list(FOLLOWERS))):
        events, seconds = found.get(each.name, (0, 0.0))
        found[each.name] = events + each.lag_events, max(seconds, each.lag_seconds)
    return [
        reading
        for name, (events, seconds) in found.items()
        for reading in (
            Reading(
                "sessionary_follower_lag_events",
                "Events that a follower has not taken up.",
                events,
                {"name": name},
            ),
            Reading(
                "sessionary_follower_lag_seconds",
                "Age of the oldest of them.",
                seconds,
                {"name": name},
            ),
        )
    ]


def _views(
    ends: Sequence[Head],
    kept: Mapping[str, Mapping[int, bool]],
    behind: Mapping[tuple[str, int], int],
    rebuilt: Mapping[str, datetime],
) -> Iterator[Projection]:
    for view in VIEWS:
        found = kept[view.projection]
        for version in (view.version, *sorted(found.keys() - {view.version})):
            name = view.name_of(version)
            for end in ends:
                lag = behind.get((name, end.partition), 0) if version in found else end.position
                yield Projection(
                    name=view.projection,
                    version=version,
                    partition=end.partition,
                    position=f"{end.partition}:{end.position if version in found else 0}",
                    lag_events=lag,
                    lag_seconds=0.0,
                    state=_STATES[found.get(version)],
                    owner=None,
                    last_rebuild=rebuilt.get(name),
                )


def _follower(
    row: asyncpg.Record, rebuilt: Mapping[str, datetime] = MappingProxyType({})
) -> Projection:
    behind = row["head"] - row["position"]
    seconds = max(0.0, row["age_s"] or 0.0) if behind else 0.0
    return Projection(
        name=row["name"],
        version=1,
        partition=row["partition"],
        position=f"{row['partition']}:{row['position']}",
        lag_events=behind,
        lag_seconds=round(seconds, 3),
        state=_state(seconds, is_held=row["is_held"]),
        owner=str(row["holder"]) if row["is_held"] else None,
        last_rebuild=rebuilt.get(row["name"]),
    )


def _state(behind_s: float, *, is_held: bool) -> State:
    if behind_s <= BEHIND_S:
        return "following"
    return "behind" if is_held else "unattended"
