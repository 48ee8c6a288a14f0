"""Legal holds: what they are on, and which sessions they keep from being erased."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.erasure.first_events import first_events
from app.history.reader import Reader
from app.history.sessions import session_named
from app.history.times import time_text
from app.log.read import Asks
from domain.errors import NotFound, OnHold
from domain.ids import StreamId, hold_stream

SQL = blocks(__file__)
_KINDS = frozenset({"ai_session", "chat_session", "account"})


class HeldBack(Struct, frozen=True, rename="camel"):
    """A hold that is not lifted."""

    target: str
    """A session's id, or `account:ID`."""
    reason: str
    placed_by: str
    placed_at: str


class Forbidding(Struct, frozen=True):
    """The holds that would keep a session from being erased, whether they are there or not."""

    targets: Sequence[str] = ()
    homes: Sequence[int] = ()
    """The partition of each one's stream."""


class _First(Struct):
    account_id: str | None = None


_FIRST = msgspec.json.Decoder(_First)


async def target_named(reader: Reader, name: str) -> str:
    """What a hold can be on, as holds spell it. Raises NotFound, StoreDown."""
    session = await session_named(reader, name)
    if session.kind not in _KINDS:
        raise NotFound("Session", name[:100])
    return session.session_id


async def all_holds(store: Asks) -> list[HeldBack]:
    """All holds that are not lifted, by target. Raises StoreDown."""
    return [_hold(row) for row in await store.ask(SQL["all"])]


async def holds_on(reader: Reader, streams: Sequence[StreamId]) -> Mapping[StreamId, HeldBack]:
    """The hold that keeps each of some sessions, its own or its account's. Raises StoreDown."""
    targets = await _targets(reader, streams)
    wanted = sorted({name for names in targets.values() for name in names})
    rows = await reader.store.ask(SQL["on_targets"], wanted)
    known = {row["target"]: _hold(row) for row in rows}
    return {
        stream: known[found]
        for stream, names in targets.items()
        if (found := next((name for name in names if name in known), None)) is not None
    }


async def forbidding(reader: Reader, streams: Sequence[StreamId]) -> Mapping[StreamId, Forbidding]:
    """By session, the holds that an erasure of it has to look for. Raises StoreDown."""
    targets = await _targets(reader, streams)
    return {
        stream: Forbidding(names, [reader.partition(hold_stream(name)) for name in names])
        for stream, names in targets.items()
    }


async def require_free(reader: Reader, streams: Sequence[StreamId]) -> None:
    """Raise OnHold if a hold keeps one of some sessions. Raises StoreDown."""
    for hold in (await holds_on(reader, streams)).values():
        raise OnHold(hold.target, hold.reason)


async def _targets(reader: Reader, streams: Sequence[StreamId]) -> dict[StreamId, list[str]]:
    """By session: the names by which a hold is on it."""
    known = await reader.identities(streams)
    firsts = await first_events(reader, streams)
    accounts = {row["stream"]: _account(row["state"]) for row in firsts}
    found: dict[StreamId, list[str]] = {}
    for stream in streams:
        account = accounts.get(stream)
        of_account = [] if account is None else [f"account:{account}"]
        found[stream] = [known[stream].session_id, *of_account]
    return found


def _account(state: bytes) -> str | None:
    try:
        return _FIRST.decode(state).account_id
    except (msgspec.MsgspecError, UnicodeDecodeError):  # no service of ours wrote it
        return None


def _hold(row: asyncpg.Record | Mapping[str, Any]) -> HeldBack:
    at = time_text(row["placed_at"])
    return HeldBack(row["target"], row["reason"], row["placed_by"], at)
