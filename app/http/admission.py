"""Whether a worker takes on another request: as many as it can finish in time, and no more."""

_TERM_S = 0.25
"""A request whose body has yet to come counts for one to two of these: long enough for one that
was sent whole, and too short for bodies that never come to keep others out."""


class Admission:
    """The requests that a worker process has just let in, and that have not begun their work.

    Without them, all that come between two passes of a busy loop would find the same room.
    """

    __slots__ = ("_before", "_lately", "_term")

    def __init__(self) -> None:
        """Nobody was let in yet."""
        # Those let in within the present term, and within the one before that.
        self._term = self._lately = self._before = 0

    def is_full(self, room: int, now: float) -> bool:
        """Whether there is no room for another request.

        `room`: how many may come beside those at work; `now`: seconds, by a clock that never jumps.
        """
        if self._lately + self._before < room:  # (time only makes these fewer)
            return False
        self._begin(int(now / _TERM_S))
        return self._lately + self._before >= room

    def let_in(self, room: int, now: float) -> int | None:
        """Let a request in; None if there is no room. The arguments are those of `is_full`.

        Give the value to `leave_door` when the work begins, or when it never will.
        """
        term = int(now / _TERM_S)
        self._begin(term)
        if self._lately + self._before >= room:
            return None
        self._lately += 1
        return term

    def _begin(self, term: int) -> None:
        if term != self._term:
            self._before = self._lately if term == self._term + 1 else 0
            self._term, self._lately = term, 0

    def leave_door(self, term: int | None) -> None:
        """Count a request no more among those just let in."""
        if term == self._term:
            self._lately -= 1
        elif term == self._term - 1:
            self._before -= 1
