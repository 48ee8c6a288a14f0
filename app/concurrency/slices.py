"""Work on large documents in slices: one per pass of the event loop, for all callers together."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

LARGE = 4096
"""Characters from which on a document counts as large: others are served before its work."""


class Unread(Generic[T]):
    """A fetched document that is read in a turn: once for all callers of it."""

    __slots__ = ("_known", "_read", "size")

    def __init__(self, size: int, read: Callable[[], T]) -> None:
        """`size`: of the document, in characters; `read` decodes it, or raises."""
        self.size = size
        self._read = read
        self._known: list[T] = []

    def read(self) -> T:
        """What it says. Raises what reading it does."""
        if not self._known:
            self._known.append(self._read())
        return self._known[0]


class Slices:
    """Spreads work that is due at once, so that it does not keep everybody else waiting.

    A document of a mebibyte takes some milliseconds to read, and as many to write. One batch needs
    hundreds of them, and so do many callers at the same time.
    """

    def __init__(self) -> None:
        """Starts without waiting callers."""
        self._one = asyncio.Lock()

    async def turn(self, size: int) -> None:
        """Return when the caller may work on a document of `size` characters.

        That is at once for a small document; each large one gets a pass of the loop of its own.
        """
        if size >= LARGE:
            async with self._one:
                await asyncio.sleep(0)

    async def read(self, document: Unread[T]) -> T:
        """The content of a document, once its turn has come. Raises the errors of `read`."""
        await self.turn(document.size)
        return document.read()
