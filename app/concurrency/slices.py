"""Work on large documents in slices: one a pass of the event loop, whoever asks for it."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

LARGE = 4096
"""Characters of a document from which on others are served before it is read or written."""


class Unread(Generic[T]):
    """A document that was fetched, and is read in a turn: once for all who asked for it."""

    __slots__ = ("_known", "_read", "size")

    def __init__(self, size: int, read: Callable[[], T]) -> None:
        """`size`: of the document, in characters; `read` gives what it says, or raises."""
        self.size = size
        self._read = read
        self._known: list[T] = []

    def read(self) -> T:
        """What it says. Raises what reading it does."""
        if not self._known:
            self._known.append(self._read())
        return self._known[0]


class Slices:
    """Keeps work that is all due at once from keeping everybody else waiting.

    A document of a mebibyte takes some milliseconds to read, and as many to write. A batch asks
    for hundreds of them, as many callers at the same time do.
    """

    def __init__(self) -> None:
        """Nobody waits."""
        self._one = asyncio.Lock()

    async def turn(self, size: int) -> None:
        """Return when the caller may work on a document of so many characters.

        That is at once for a small one, else in a pass of the loop that no other large one has.
        """
        if size >= LARGE:
            async with self._one:
                await asyncio.sleep(0)

    async def read(self, document: Unread[T]) -> T:
        """What a document says, when its turn has come. Raises what reading it does."""
        await self.turn(document.size)
        return document.read()
