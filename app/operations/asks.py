"""What somebody asks an operator process for: it is put on record here, and carried out there.

Views and followers are rebuilt, former tables of views swapped in again, and streams taken out of
quarantine. What takes a while is paused, gone on with, and cancelled.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct

from app.codecs.json_text import BadInput
from app.database.sql import blocks
from app.history.followed import FOLLOWERS
from app.log.errors import KeyReused
from app.log.read import Asks
from app.operations.rebuilds import Kind, Rebuild, Steering, find
from domain.errors import NotFound
from projections.catalog import VIEWS

VIEW_NAMES = [view.projection for view in VIEWS]
SQL = blocks(__file__)
_RETRY_AFTER_S = 60
_SHOWN = 60
"""Characters of an unknown name that a message repeats."""

What = Literal["rebuild", "back", "redrive"]


class TooManyRebuilds(Exception):
    """So many rebuilds wait, or were asked for within the hour, that no further one is taken."""

    def __init__(self) -> None:
        """See the class."""
        self.retry_after_s = _RETRY_AFTER_S
        super().__init__("Too many rebuilds wait, or were asked for within an hour: try later")


class RebuildOver(Exception):
    """What has ended, or takes a moment only, cannot be paused, gone on with or cancelled."""

    def __init__(self, state: str, what: Steering) -> None:
        """`state`: its present one."""
        done = {"pause": "paused", "resume": "gone on with", "cancel": "cancelled"}[what]
        super().__init__(f"The rebuild is {state}: it cannot be {done} any more")


class Asked(Struct, frozen=True, kw_only=True):
    """What somebody asks for."""

    what: What = "rebuild"
    names: Sequence[str] = ()
    """Of views or followers; none: all views, or all followers in whose quarantine something is."""
    stream: UUID | None = None
    """To be redriven; None: all of the followers."""
    dry_run: bool = False
    """Whether a rebuild only compares."""


class Asker(Struct, frozen=True):
    """Who asks."""

    name: str
    request_id: str
    key: str | None = None
    """Idempotency key."""


class Writes(Asks, Protocol):
    """Statements, and those that must not be sent twice."""

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """The rows of a statement that writes."""


async def ask(store: Writes, asked: Asked, by: Asker) -> tuple[Rebuild, bool]:
    """Record that somebody asks for something; what that is, and whether the key was known already.

    While the same waits or runs, the ask joins that. Raises BadInput, KeyReused, TooManyRebuilds,
    or StoreDown.
    """
    kind, names = _meant(asked, await followers(store))
    values = (kind, names, asked.stream, asked.dry_run, by.name, by.request_id, by.key)
    ((rebuild, outcome),) = await store.ask_once(SQL["ask"], *values)
    if outcome == "key_reused":
        raise KeyReused
    if outcome == "too_many":
        raise TooManyRebuilds
    return await find(store, rebuild), outcome == "replayed"


async def steer(store: Writes, rebuild: UUID, what: Steering, by: Asker) -> None:
    """Record that somebody asks for a pause, for going on, or for the end.

    The one that works on it looks for it with its next page. Raises NotFound, RebuildOver,
    TooManyRebuilds, StoreDown.
    """
    values = (rebuild, what, by.name, by.request_id)
    ((state, _, done),) = await store.ask_once(SQL["steer"], *values)
    if state is None:
        raise NotFound("Rebuild", rebuild)
    if done is None:
        raise TooManyRebuilds
    if not done and not (what == "cancel" and state == "cancelled"):
        raise RebuildOver(state, what)


async def require(store: Asks, asked: Asked) -> None:
    """Raise BadInput for what nobody can ask for, or StoreDown."""
    _meant(asked, await followers(store))


async def followers(store: Asks) -> list[str]:
    """Those that can be rebuilt, our own first. Raises StoreDown."""
    return [row["name"] for row in await store.ask(SQL["followers"], list(FOLLOWERS))]


def _meant(asked: Asked, followers: Sequence[str]) -> tuple[Kind, list[str]]:
    """The kind of what is asked for, and the names as they are on record. Raises BadInput."""
    views = {view.projection: view.name for view in VIEWS}
    if asked.stream is not None and (asked.what != "redrive" or len(asked.names) != 1):
        raise BadInput("A stream is redriven, of one follower", field="stream")
    if asked.dry_run and asked.what != "rebuild":
        raise BadInput("Only a rebuild of views can be tried without effect", field="dryRun")
    match asked.what:
        case "redrive":
            _require(asked, "to redrive", followers)
            return "redrive", list(asked.names or followers)
        case "back":
            _require(asked, "to bring back", views)
            if not asked.names:
                raise BadInput("Name the views to bring back", field="projections")
            return "back", [views[name] for name in asked.names]
    _require(asked, "to rebuild", [*views, *followers])
    if not set(asked.names) - set(views):
        return "rebuild", [views[name] for name in asked.names or views]
    if set(asked.names) & set(views):
        raise BadInput("Ask for views and for followers one after the other", field="projections")
    if asked.dry_run:
        raise BadInput("Only views are compared: `verify` looks at histories", field="dryRun")
    return "refill", list(asked.names)


def _require(asked: Asked, purpose: str, known: Sequence[str] | Mapping[str, str]) -> None:
    for name in asked.names:
        if name not in known:
            raise BadInput(
                f"There is no {name[:_SHOWN]!r} {purpose}: there are {', '.join(known)}",
                field="projections",
            )
