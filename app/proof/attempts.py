"""When to try again what another machine has not done, and what to say of it."""

import logging
from collections.abc import Callable
from time import monotonic

_LOG = logging.getLogger("sessionary.proof")
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_QUIET_S = 600.0
"""Minimum seconds between two warnings for one reason: what fails for long floods no log."""


class Attempts:
    """Tries of one thing; each failure doubles the pause before the next one."""

    def __init__(self, name: str, clock: Callable[[], float] = monotonic) -> None:
        """`name`: of who is asked, for people."""
        self._name = name
        self._clock = clock
        self._pause_s = 0.0
        self._next = float("-inf")
        self._said: dict[str, float] = {}
        """When each reason was said."""

    @property
    def is_due(self) -> bool:
        """Whether the pause is over."""
        return self._clock() >= self._next

    def failed(self, why: str, reason: str = "") -> bool:
        """Begin a pause, and warn unless that was done lately; whether it was done now.

        `reason`: one of few; each has its warnings.
        """
        now = self._clock()
        if now >= self._next:  # not once more for each try that was under way
            self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
            self._next = now + self._pause_s
        if now - self._said.get(reason, float("-inf")) < _QUIET_S:
            return False
        self._said[reason] = now
        _LOG.warning("%s: %s", self._name, why)
        return True

    def succeeded(self) -> None:
        """End all pauses, and say so if a failure was said."""
        if self._pause_s:
            _LOG.info("%s: well again", self._name)
        self._pause_s, self._next = 0.0, float("-inf")
