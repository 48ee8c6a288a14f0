"""Reading the views: by id, many callers sharing one query."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct

from app.log.batcher import Batcher
from app.log.errors import Unreadable
from app.log.pool import Pool
from app.sql import blocks
from domain.account import Account
from domain.ids import AccountId, StreamId, account_stream, partition_of
from projections.catalog import VIEWS
from projections.fold import Audit, Folded

SQL = blocks(__file__)


class Row(Struct, frozen=True):
    """A view's row, and the present name of the account that it belongs to."""

    folded: Folded[Any]
    account_name: str | None


class Views:
    """The read side of one worker process."""

    def __init__(self, pool: Pool, *, partitions: int, batch: int) -> None:
        """`batch`: look-ups that share one query, at most."""
        self._pool = pool
        self._partitions = partitions
        self._lookups = {
            kind: Batcher[StreamId, Row | None](partial(self._look_up, kind), batch)
            for kind in VIEWS
        }

    async def get(self, kind: str, stream: StreamId) -> Row | None:
        """The row of a stream; None if it has none. Sees every commit from before the call."""
        return await self._lookups[kind].submit(stream)

    async def account_name(self, account: AccountId) -> str | None:
        """The present name of an account; None for an unknown one."""
        row = await self.get("account", account_stream(account))
        return None if row is None else row.folded.state.name

    async def accounts(self, after: str, most: int) -> list[Folded[Account]]:
        """Accounts in the order of their ids, those behind `after`."""
        decoder = _DECODERS["account"]
        rows = await self._pool.ask(SQL["accounts"], after, most)
        return [_folded(row, decoder) for row in rows]

    async def _look_up(
        self, kind: str, streams: Sequence[StreamId]
    ) -> Sequence[Row | Exception | None]:
        decoder = _DECODERS[kind]
        wanted = list(dict.fromkeys(streams))
        partitions = [partition_of(stream, self._partitions) for stream in wanted]
        rows = await self._pool.ask(SQL[VIEWS[kind].name], partitions, wanted)
        found = {row[0]: _row(row, decoder) for row in rows}
        return [found[stream] for stream in streams]


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(view.state) for kind, view in VIEWS.items()
}


def _row(row: asyncpg.Record, decoder: msgspec.json.Decoder[Any]) -> Row | Unreadable | None:
    if row[2] is None:
        return None
    try:
        return Row(_folded(row, decoder), row[9])
    except msgspec.MsgspecError as error:
        return Unreadable(f"the row of stream {row[0]} cannot be read: {error}")


def _folded(row: asyncpg.Record, decoder: msgspec.json.Decoder[Any]) -> Folded[Any]:
    stream, partition, version, position, created_by, created_at, by, at, doc, _ = row
    return Folded(
        stream=stream,
        partition=partition,
        version=version,
        position=position,
        audit=Audit(created_by=created_by, created_at=created_at, modified_by=by, modified_at=at),
        state=decoder.decode(doc),
    )
