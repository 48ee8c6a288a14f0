"""How many bytes an answer may take, counted while it is made."""

from collections.abc import Iterable

from app.settings import ANSWER_BYTES

ROW_BYTES = 1024
"""What a row counts beside its document: its envelope, and the objects that hold it."""


class AnswerTooLarge(Exception):
    """The answer would be larger than any may be."""


class AnswerBudget:
    """Of one answer, whatever it is put together from."""

    def __init__(self, most_bytes: int = ANSWER_BYTES, ask: str = "fewer or smaller rows") -> None:
        """`ask`: what a client that gets too much can ask for instead."""
        self._most_bytes = most_bytes
        self._ask = ask
        self.left = most_bytes

    def spend(self, count: int) -> None:
        """Count bytes that go into the answer. Raises AnswerTooLarge."""
        self.left -= count
        if self.left < 0:
            raise self.too_large()

    def too_large(self) -> AnswerTooLarge:
        """What tells the client what to do."""
        return AnswerTooLarge(
            f"The answer would have more than {self._most_bytes} bytes: ask for {self._ask}"
        )

    def written(self, parts: Iterable[bytes]) -> list[bytes]:
        """Parts of a body, of which no more are made than it may have. Raises AnswerTooLarge."""
        found, left = [], self._most_bytes
        for part in parts:
            left -= len(part)
            if left < 0:
                raise self.too_large()
            found.append(part)
        return found

    def require(self, body: bytes) -> None:
        """Raise AnswerTooLarge for a body that is too large, however little was read for it."""
        if len(body) > self._most_bytes:
            raise self.too_large()
