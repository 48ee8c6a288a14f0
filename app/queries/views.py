"""Reads the views: by id, with one query for many callers; and page by page."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import msgspec
from msgspec import Struct

from app.codecs.answer_budget import AnswerBudget
from app.concurrency.batcher import Batcher
from app.concurrency.slices import Slices, Unread
from app.concurrency.ttl_cache import in_the_background
from app.database.errors import TooSlow
from app.database.pool import Pool
from app.database.sql import blocks
from app.log.errors import Unreadable
from app.log.read import Asks
from domain.ids import AccountId, StreamId, account_stream
from projections.catalog import CURRENT, VIEWS
from projections.fold import Audit, Folded
from projections.sealing import MARK, Unseal, secret_of

if TYPE_CHECKING:
    from app.queries.page import Page, PageResult
    from app.queries.tables import ListTable

SQL = blocks(__file__)
T = TypeVar("T")
_PROMPT_S = 0.5
"""Seconds after which a list is either a long one, or the database is gone."""


class Row(Struct, frozen=True):
    """A view's row, and the present name of its account."""

    folded: Folded[Any]
    account_name: str | None


class Views:
    """The read side of one worker process."""

    def __init__(
        self,
        pool: Pool,
        lists: Asks,
        *,
        batch: int,
        unseal: Unseal,
        partition_of: Callable[[StreamId], int] = lambda _: 0,
        wait_s: float | None = None,
    ) -> None:
        """`lists`: the pool for pages; `batch`: look-ups that share one query, at most.

        `unseal`: opens the secrets of rows. `partition_of`: the partition of a stream; by default
        the first one for all. `wait_s`: a look-up that would wait for longer is refused.
        """
        self._pool = pool
        self._lists = lists
        self._unseal = unseal
        self.partition = partition_of
        self._lookups = {
            kind: Batcher[StreamId, Unread[Row | None]](
                partial(self._look_up, kind), batch, wait_s=wait_s
            )
            for kind in CURRENT
        }
        self._slices = Slices()

    def reading(self, lists: Asks) -> "Views":
        """The same, its pages read by another store. Single rows are not: others share them."""
        other = copy(self)
        other._lists = lists
        return other

    async def get(self, kind: str, stream: StreamId) -> Row | None:
        """The row of a stream, if any. Sees every commit from before the call.

        Raises Unreadable, or StoreDown.
        """
        return await self._slices.read(await self._lookups[kind].submit(stream))

    async def account_name(self, account: AccountId) -> str | None:
        """The present name of an account; None for an unknown one."""
        row = await self.get("account", account_stream(account))
        return None if row is None else row.folded.state.name

    async def page(
        self,
        listable: "ListTable",
        page: "Page",
        budget: AnswerBudget | None = None,
        *,
        as_of: Sequence[int] | None = None,
    ) -> "PageResult[Row]":
        """A page of any view; without a budget, up to the maximum size of an answer.

        `as_of`: a cut of the log, up to which the histories must go; None: the present.
        Its rows come without their secrets, which stay sealed: those fields are None.
        Raises Unreadable, TooSlow, AnswerTooLarge, or StoreDown.
        """
        # Imports SQLAlchemy, a third of a worker's imports: it serves before that (app/main.py).
        from app.queries import paging
        from app.queries.page import PageResult

        listed = await self._read(
            paging.read_page(self._lists, listable, page, budget or AnswerBudget(), as_of)
        )
        items = [_row(record, listable.table.name) for record in listed.items]
        return PageResult(
            items=items, total=listed.total, has_more=listed.has_more, last=listed.last
        )

    async def _read(self, page: Coroutine[Any, Any, T]) -> T:
        """Read a page, which may take its time; fail early if the database is gone."""
        reading = in_the_background(page)
        try:
            done, _ = await asyncio.wait([reading], timeout=_PROMPT_S)
            if not done:
                await self._pool.ask(SQL["alive"])
            return await reading
        except TooSlow:
            await self._pool.ask(SQL["alive"])
            raise
        finally:
            reading.cancel()  # if it is not done, nobody waits for it any more

    async def _look_up(
        self, kind: str, streams: Sequence[StreamId]
    ) -> Sequence[Unread[Row | None]]:
        view = CURRENT[kind].name
        wanted = list(dict.fromkeys(streams))
        partitions = list(map(self.partition, wanted))
        rows = await self._pool.ask(_LOOK_UPS[kind], partitions, wanted)
        found = {
            row[0]: Unread(len(row[8] or ""), partial(_row_if_any, row, view, self._unseal))
            for row in rows
        }
        return [found[stream] for stream in streams]


_LOOK_UPS = {kind: SQL["look_up"].format(view=view.name) for kind, view in CURRENT.items()}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    view.name: msgspec.json.Decoder(view.state) for view in VIEWS
}
_WITH_SECRETS = {view.name: view for view in VIEWS if secret_of(view.state)}


def _row_if_any(row: asyncpg.Record, view: str, unseal: Unseal) -> Row | None:
    return None if row[2] is None else _row(row, view, unseal)


def folded_row(kind: str, row: asyncpg.Record, unseal: Unseal) -> Folded[Any]:
    """The aggregate in a row with the columns of `look_up`. Raises MsgspecError, or Unreadable."""
    return _folded(row, CURRENT[kind].name, unseal)


def _row(row: asyncpg.Record, view: str, unseal: Unseal | None = None) -> Row:
    try:
        return Row(_folded(row, view, unseal), row[9])
    except (msgspec.MsgspecError, Unreadable) as error:
        raise Unreadable(f"the row of stream {row[0]} cannot be read: {error}") from error


def _folded(row: asyncpg.Record, view: str, unseal: Unseal | None) -> Folded[Any]:
    stream, partition, version, position, created_by, created_at, by, at, doc, *_ = row
    state = _DECODERS[view].decode(doc)
    if unseal is not None and view in _WITH_SECRETS and MARK in doc:
        state = _WITH_SECRETS[view].opened(stream, state, doc, unseal)
    return Folded(
        stream=stream,
        partition=partition,
        version=version,
        position=position,
        audit=Audit(created_by=created_by, created_at=created_at, modified_by=by, modified_at=at),
        state=state,
    )
