"""Counts the bytes of an answer while it is made, against their maximum."""

from collections.abc import Iterable

from app.settings import ANSWER_BYTES

ROW_BYTES = 1024
"""Bytes that a row counts beside its document: its envelope, and the objects that hold it."""


class AnswerTooLarge(Exception):
    """The answer would exceed the maximum size."""


class AnswerBudget:
    """The bytes left for one answer, whatever its parts."""

    def __init__(self, most_bytes: int = ANSWER_BYTES, ask: str = "fewer or smaller rows") -> None:
        """`ask`: names the smaller request that a client can make instead."""
        self._most_bytes = most_bytes
        self._ask = ask
        self.left = most_bytes

    def spend(self, count: int) -> None:
        """Count bytes that go into the answer. Raises AnswerTooLarge."""
        self.left -= count
        if self.left < 0:
            raise self.too_large()

    def too_large(self) -> AnswerTooLarge:
        """The error to raise; its message advises the client."""
        return AnswerTooLarge(
            f"The answer would have more than {self._most_bytes} bytes: ask for {self._ask}"
        )

    def written(self, parts: Iterable[bytes]) -> list[bytes]:
        """The parts of a body; stops to make parts beyond the maximum. Raises AnswerTooLarge."""
        found, left = [], self._most_bytes
        for part in parts:
            left -= len(part)
            if left < 0:
                raise self.too_large()
            found.append(part)
        return found

    def require(self, body: bytes) -> None:
        """Raise AnswerTooLarge for too large a body, however little was read for it."""
        if len(body) > self._most_bytes:
            raise self.too_large()
