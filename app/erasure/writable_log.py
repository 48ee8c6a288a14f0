"""A log as an erasure needs it: that of a service, or one that is being restored."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import asyncpg

from app.database.pool import AskOnce, Fetch
from app.log.keyring import Keyring
from domain.ids import StreamId


class WritableStore(Protocol):
    """Connections that may write."""

    async def ask(
        self, sql: str, *arguments: object, writes: bool = False
    ) -> Sequence[asyncpg.Record]:
        """As that of `Pool`."""

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """As that of `Pool`."""

    def transaction(self) -> AbstractAsyncContextManager[AskOnce]:
        """As that of `Pool`."""


class Identified(Protocol):
    """Which log it is."""

    check_value: str | None

    async def check(self, fetch: Fetch) -> None:
        """As that of `Incarnation`."""


class WritableLog(Protocol):
    """The log."""

    @property
    def pool(self) -> WritableStore:
        """Its database."""

    @property
    def keyring(self) -> Keyring:
        """The keys of personal data."""

    @property
    def incarnation(self) -> Identified:
        """Recognises the log."""

    @property
    def erasures_to(self) -> Sequence[Path]:
        """The places that keep a list of erasures."""

    @property
    def partition(self) -> Callable[[StreamId], int]:
        """The partition of a stream."""

    def seal_in_view(self, stream: StreamId, view: str, member: str, text: str) -> bytes:
        """As that of `Keyring`."""
