"""`replay`: a session's events, each with the fields it changed and the state after it."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

from app.log import read
from app.log.keyring import Keyring, StreamCipher
from app.maintenance.store import Connection
from domain.ids import (
    AccountId,
    ChatSessionId,
    StreamId,
    account_stream,
    chat_session_stream,
    partition_of,
    principal_stream,
)
from projections.catalog import view_of
from projections.fold import Folded, Recorded, fold
from projections.sealing import secret_of
from projections.view import View

S = TypeVar("S", bound=Struct)

_TIME = Annotated[datetime, Meta(tz=True)]


_HIDDEN = "(hidden)"
"""In the place of each secret: a replay shows that it changed, never its value."""


class Change(Struct, frozen=True):
    """A field before and after an event."""

    before: Any
    after: Any


class Step(Struct, frozen=True, kw_only=True, rename="camel"):
    """One event as seen outside the database, and its effect."""

    partition: int
    position: int
    stream: UUID
    version: int
    session_id: str
    type: str
    event_id: UUID
    recorded_at: datetime
    actor: str
    metadata: Raw
    data: Any
    changed: dict[str, Change]
    state: Any


def stream_named(name: str) -> StreamId:
    """The stream that an operator means: a session's id or UUID, `account:ID`, `principal:NAME`.

    Raises ValueError.
    """
    kind, _, rest = name.partition(":")
    if kind == "account" and rest:
        return account_stream(AccountId(rest))
    if kind == "principal" and rest and rest.isprintable():
        return principal_stream(rest)
    if name.isascii() and name.isdigit():
        return chat_session_stream(ChatSessionId(int(name)))
    try:
        return StreamId(UUID(name))
    except ValueError:
        raise ValueError(
            f"{name!r} names no stream: give an AI session's id, a chat session's number, "
            "account:ID, or principal:NAME"
        ) from None


async def replay(
    store: Connection, keyring: Keyring, stream: StreamId, as_of: int | datetime | None
) -> AsyncIterator[Step]:
    """The steps of a stream, oldest first, up to a version or a time; none if it has no events.

    Events are read page by page, and none beyond the page that reaches the limit. Raises
    Unreadable.
    """
    partition = partition_of(stream, len(await read.heads(store)))
    view: View | None = None
    folded: Folded[Any] | None = None
    async for recorded, metadata in _events(store, keyring, partition, stream, as_of):
        view = view or view_of(recorded.event)
        before = folded
        folded = fold(view.evolve, folded, recorded, view.kind)
        session_id = view.session_id(stream, folded.state)
        yield _step(before, recorded, folded, metadata, session_id)


async def _events(
    store: Connection,
    keyring: Keyring,
    partition: int,
    stream: StreamId,
    as_of: int | datetime | None,
) -> AsyncIterator[tuple[Recorded, Raw]]:
    after, until = 0, as_of if isinstance(as_of, int) else read.LAST_VERSION
    boxes: dict[StreamId, StreamCipher] = {}
    while True:
        slices = await read.read_slices(
            store, keyring, partition, stream, after=after, until=until, boxes=boxes
        )
        page = [recorded for events in slices for recorded in events]
        if not page:
            return
        rows = await store.ask(
            read.SQL["metadata"], partition, stream, page[0].version, page[-1].version
        )
        for recorded, row in zip(page, rows, strict=True):
            if isinstance(as_of, datetime) and recorded.recorded_at > as_of:
                return  # times never run backwards
            yield recorded, Raw(row["metadata"].encode())
        after = page[-1].version


def _step(
    before: Folded[Any] | None,
    recorded: Recorded,
    after: Folded[Any],
    metadata: Raw,
    session_id: str,
) -> Step:
    return Step(
        partition=recorded.partition,
        position=recorded.position,
        stream=recorded.stream,
        version=recorded.version,
        session_id=session_id,
        type=recorded.event.topic,
        event_id=recorded.event_id,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        metadata=metadata,
        data=_without_secrets(recorded.event),
        changed=_changed(before, after),
        state=_without_secrets(after.state),
    )


def _without_secrets(holder: S) -> S:
    held = [name for name in secret_of(type(holder)) if isinstance(getattr(holder, name), str)]
    return replace(holder, **dict.fromkeys(held, _HIDDEN)) if held else holder


def as_of(text: str) -> int | datetime:
    """A version, or a time in ISO 8601 with its offset. Raises ValueError."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return msgspec.convert(text, _TIME)
    except msgspec.ValidationError:
        raise ValueError(
            f"{text!r} is neither a version nor a time such as 2026-11-21T10:00:00Z"
        ) from None


def _changed(before: Folded[Any] | None, after: Folded[Any]) -> dict[str, Change]:
    old = None if before is None else before.state
    secret = secret_of(type(after.state))

    def shown(name: str, value: object) -> object:
        return _HIDDEN if name in secret and isinstance(value, str) else value

    return {
        name: Change(shown(name, was), shown(name, value))
        for name in after.state.__struct_fields__
        if (value := getattr(after.state, name))
        != (was := None if old is None else getattr(old, name))
    }
