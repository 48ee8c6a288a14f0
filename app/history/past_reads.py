"""What readers see as of a past moment: single rows, and lists once the histories go that far."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from msgspec import Struct

from app.commands.repository import Repository
from app.history import followed, moments
from app.history.moments import Cut, Span, Version
from app.history.quarantined import stale_before
from app.log.log import Log
from app.queries.views import Row
from domain.errors import NotFound
from domain.ids import AccountId, StreamId, account_stream
from projections.catalog import CURRENT, VIEWS

_VIEWS = [view.name for view in VIEWS]
AS_OF = "asOf"
"""The parameter that names a moment."""


class NotThere(NotFound):
    """It did not exist at a past moment, or was deleted by then."""

    def __init__(self, kind: str, key: object, cut: Cut) -> None:
        """The arguments of `NotFound`, and the moment."""
        super().__init__(kind, key)
        self.cut = cut


class PastMoment(Struct, frozen=True):
    """A moment as it was asked for."""

    cut: Cut
    at: datetime
    """UTC."""
    stale: int = 0
    """Streams that the histories do not have up to then, because they wait in quarantine."""

    @property
    def text(self) -> str:
        """Names the same moment, however the log grows."""
        return moments.written(self.cut)


class PastReads:
    """The read side of one worker process, as of past moments."""

    def __init__(self, log: Log, aggregates: Repository, *, wait_s: float) -> None:
        """`wait_s`: how long a list waits for the histories to go up to its moment."""
        self._log = log
        self._store = log.reads
        self._aggregates = aggregates
        self._wait_s = wait_s

    def reading(self, log: Log, aggregates: Repository) -> "PastReads":
        """The same of a log that is read by another store."""
        return PastReads(log, aggregates, wait_s=self._wait_s)

    async def moment(self, text: str) -> PastMoment:
        """The moment that a text names, for all streams: so it may be no version.

        Raises BadInput, or StoreDown.
        """
        now = datetime.now(UTC)
        asked = moments.parse(text, AS_OF, now=now)
        cut = await moments.cut_of(self._store, asked, AS_OF, now=now)
        if isinstance(asked, Span):
            return PastMoment(cut, min(asked.end, now))
        return PastMoment(cut, await moments.time_of(self._store, cut) or now)

    async def cut(self, text: str, stream: StreamId | None) -> Cut:
        """The moment that a text names, for one stream: so it may be one of its versions.

        `stream`: None if none can have the id that was asked for; like one without events, it has
        no row at any moment. Raises BadInput, or StoreDown.
        """
        now = datetime.now(UTC)
        asked = moments.parse(text, AS_OF, now=now)
        if isinstance(asked, Version) and not await self._has_events(stream):
            return await moments.present_cut(self._store)
        return await moments.cut_of(self._store, asked, AS_OF, stream=stream, now=now)

    async def row(self, kind: str, stream: StreamId, cut: Cut) -> Row | None:
        """The row of a stream as `Views.get` gave it then, and the name of its account then.

        Raises Unreadable, or StoreDown.
        """
        folded = await self._aggregates.at(kind, stream, cut[self._log.partition(stream)])
        if folded is None or CURRENT[kind].gone(folded.state):
            return None
        account = getattr(folded.state, "account_id", None) if kind == "ai_session" else None
        return Row(folded, None if account is None else await self._account_name(account, cut))

    @asynccontextmanager
    async def histories(self, cut: Cut) -> AsyncIterator[int]:
        """For the time of the block, the histories go up to a cut: before and after it at least.

        Gives how many streams do not, because they wait in quarantine. (The histories begin anew
        only when an operator rebuilds them.) Raises NotYet, or StoreDown.
        """
        await followed.wait_for(self._store, cut, self._wait_s, views=_VIEWS)
        yield await stale_before(self._store, cut, _VIEWS)
        await followed.wait_for(self._store, cut, 0, views=_VIEWS)

    async def _account_name(self, account: AccountId, cut: Cut) -> str | None:
        row = await self.row("account", account_stream(account), cut)
        return None if row is None else row.folded.state.name

    async def _has_events(self, stream: StreamId | None) -> bool:
        return stream is not None and await self._aggregates.has_events(stream)
