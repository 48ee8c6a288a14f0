"""Keeps a release's versions of views in step with what workers with other versions append.

Each append leaves word of its streams for the other versions that are kept. These are folded before
a request reads, so that it sees all commits from before it, whichever release made them.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, NoReturn
from uuid import UUID

from app.concurrency.batcher import Batcher
from app.database.errors import StoreDown
from app.database.sql import blocks
from app.database.versions import Versions
from app.history.streams import Damaged, FoldedStream
from app.log.log import Log
from app.rebuild.moved import Moved
from domain.ids import StreamId
from projections.catalog import VIEWS
from projections.view import View

SQL = blocks(__file__)
_LOG = logging.getLogger("sessionary")
_PAGE = 500
_ROUNDS = 8
"""In these, all streams are caught up but for one that others append to all the time."""
_PAUSE_S = 0.2
_CALLERS = 10_000
_ROW_FIELDS = 9


class InStep:
    """One worker's part in it."""

    def __init__(self, log: Log, versions: Versions, wait_s: float) -> None:
        """`wait_s`: a request that would wait for longer is refused."""
        self._log = log
        self._versions = versions
        self._views = {view.name: view for view in VIEWS}
        self._moved = Moved(log.pool, log.keyring)
        log.incarnation.on_change(self._forget)
        self._batcher = Batcher[None, None](self._for_all, _CALLERS, wait_s=wait_s)

    def _forget(self) -> None:
        self._moved = Moved(self._log.pool, self._log.keyring)

    async def settle(self) -> None:
        """Bring the rows up to all commits from before the call. Raises StoreDown."""
        await self._batcher.submit(None)

    async def keep(self) -> NoReturn:
        """Catch up again and again, also while nobody asks."""
        while True:
            if self._versions.beside:
                with suppress(StoreDown):
                    await self._settle()
            await asyncio.sleep(_PAUSE_S)

    async def _for_all(self, callers: Sequence[None]) -> Sequence[None]:
        await self._settle()
        return callers

    async def _settle(self) -> None:
        for _ in range(_ROUNDS):
            marks = await self._log.pool.ask(SQL["behind"], list(self._views), _PAGE)
            settled = 0
            for (name, partition), those in groupby(marks, key=lambda mark: (mark[0], mark[1])):
                streams = {mark["stream_id"]: mark["version"] for mark in those}
                settled += await self._renew(self._views[name], partition, streams)
            if settled == len(marks) < _PAGE:
                return
        raise StoreDown("Others append so fast that the view is not caught up")

    async def _renew(self, view: View, partition: int, moved: dict[StreamId, int]) -> int:
        """Fold streams, and put their rows in place; the number that are at the log's end."""
        settled = 0
        async for streams, folded in self._moved.folded(partition, moved):
            found = {_stream(each): each for each in folded}
            those = [(each, found[each]) for each in streams if each in found]
            rows = await self._log.pool.ask(
                SQL["renew"], view.name, partition, *_columns(_told(those, moved), 3),
                *_columns(self._rows(view, those), _ROW_FIELDS), writes=True,
            )  # fmt: skip
            settled += len(rows[0]["settled"] or ())
        return settled

    def _rows(
        self, view: View, those: Sequence[tuple[UUID, FoldedStream | Damaged]]
    ) -> Iterator[Sequence[Any]]:
        for stream, each in those:
            if isinstance(each, tuple):
                if (row := view.row(each[1], self._log.seal_in_view)) is not None:
                    yield row[0], *row[2:]
            else:
                _LOG.warning("%s keeps the row that stream %s has: %s", view.name, stream, each)


def _told(
    those: Sequence[tuple[UUID, FoldedStream | Damaged]], moved: dict[StreamId, int]
) -> Iterator[tuple[UUID, int, bool]]:
    for stream, each in those:
        if isinstance(each, tuple):
            yield stream, each[1].version, False
        else:
            yield stream, moved[StreamId(stream)], True


def _stream(folded: FoldedStream | Damaged) -> UUID:
    return folded[1].stream if isinstance(folded, tuple) else folded.stream


def _columns(rows: Iterator[Sequence[Any]], count: int) -> list[list[Any]]:
    return list(map(list, zip(*rows, strict=True))) or [[] for _ in range(count)]
