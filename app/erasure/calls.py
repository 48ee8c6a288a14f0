"""The terms by which the index of events finds calls of a stream: an erasure ends these, too."""

import asyncio
from contextlib import suppress

from app.database.sql import blocks
from app.erasure.writable_log import WritableLog
from app.history.terms import Terms, call_terms
from app.log.errors import Unreadable
from app.log.facts import sealed_values
from domain.ids import StreamId

SQL = blocks(__file__)
_PAGE = 500


class CallTerms:
    """What is sealed of a stream's calls, as the index has it: read before the key goes."""

    def __init__(self, log: WritableLog, stream: StreamId) -> None:
        """Nothing is read yet."""
        self._log = log
        self._stream = stream
        self._hashed = Terms(log.keyring.fingerprint)
        self.upto = 0
        """The version up to which they were read."""
        self.terms: list[int] = []
        self.positions: list[int] = []
        """Of the events that have these terms, each beside its term."""

    async def read(self, wrapped: bytes | None, until: int) -> None:
        """Add those of further events up to a version; `wrapped`: the stream's keys.

        None of events whose facts do not open: the index never had these. Raises StoreDown.
        """
        after, self.upto = self.upto, until
        keys = None
        with suppress(Unreadable):
            keys = None if wrapped is None else self._log.keyring.unwrap(self._stream, wrapped)
        if keys is None or keys.erased:
            return
        partition = self._log.partition(self._stream)
        while rows := await self._log.pool.ask(
            SQL["calls"], partition, self._stream, after, until, _PAGE
        ):
            for row in rows:
                sealed = sealed_values(row["metadata"].encode(), self._stream, keys)
                for term in call_terms(self._hashed, sealed):
                    self.terms.append(term)
                    self.positions.append(row["position"])
            after = rows[-1]["version"]
            await asyncio.sleep(0)  # others' requests
