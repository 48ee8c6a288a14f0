"""What the events of a stream hold of its subjects and of its callers, for an erasure to end."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from app.database.sql import blocks
from app.erasure.scope import Found, add_event
from app.erasure.writable_log import WritableLog
from app.history.terms import Terms, call_terms
from app.log.errors import Unreadable
from app.log.facts import sealed_values
from app.log.stream_keys import StreamKeys
from domain.event import Subject
from domain.ids import StreamId

SQL = blocks(__file__)
_PAGE = 500


class StreamContent:
    """What is sealed in a stream, of the events read so far."""

    def __init__(self, log: WritableLog, stream: StreamId, subjects: Iterable[Subject]) -> None:
        """Nothing is read yet; `subjects`: whose data are looked for."""
        self._log = log
        self._stream = stream
        self._hashed = Terms(log.keyring.fingerprint)
        self.upto = 0
        """The version up to which events were read."""
        self.found = {subject: Found() for subject in subjects}
        self.terms: list[int] = []
        """By which the index of events finds the calls: an erasure ends these, too."""
        self.positions: list[int] = []
        """Of the events that have these terms, each beside its term."""

    async def read(self, wrapped: bytes | None, until: int) -> None:
        """Add further events up to a version; `wrapped`: the stream's keys, None without any.

        There are no terms of calls whose facts do not open: the index never had these. Raises
        StoreDown.
        """
        after, self.upto = self.upto, until
        keys, partition = self._opened(wrapped), self._log.partition(self._stream)
        while after < until and (
            rows := await self._log.pool.ask(
                SQL["events"], partition, self._stream, after, until, _PAGE
            )
        ):
            for row in rows:
                add_event(self.found, row["topic"], row["state"], row["position"])
                if keys is not None:
                    self._add_call(row["metadata"].encode(), row["position"], keys)
            after = rows[-1]["version"]
            await asyncio.sleep(0)  # others' requests

    def _opened(self, wrapped: bytes | None) -> StreamKeys | None:
        """The keys of its calls; None if they are gone, or there are none."""
        with suppress(Unreadable):
            if wrapped is not None:
                keys = self._log.keyring.unwrap(self._stream, wrapped)
                return None if keys.erased else keys
        return None

    def _add_call(self, metadata: bytes, position: int, keys: StreamKeys) -> None:
        for term in call_terms(self._hashed, sealed_values(metadata, self._stream, keys)):
            self.terms.append(term)
            self.positions.append(position)
