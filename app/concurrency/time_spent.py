"""Where the time of a request goes. Whoever waits or asks on its behalf adds to its sums.

These are plain fields, not methods: every request passes here several times.
"""

from contextvars import ContextVar

from msgspec import Struct


class Phase(Struct, frozen=True, gc=False):
    """A part of a request's work, in seconds of `time.perf_counter`."""

    name: str
    since: float
    until: float
    within: str | None = None
    """The name of the earlier phase that it is a part of."""
    view: str | None = None
    """The view whose row was written."""


class TimeSpent(Struct, kw_only=True):
    """The time of one request so far, in seconds.

    What goes on at the same time counts each, so that the sums may exceed the whole.
    """

    waiting_s: float = 0.0
    """For its turn: behind other commands, lists, statements and batches."""
    database_s: float = 0.0
    """For the database's answers, that to the batch of its append included."""
    deciding_s: float = 0.0
    """For decisions on its commands, without the two above."""
    idle_s: float = 0.0
    """For news that it asked to wait for."""
    phases: list[Phase] | None = None
    """All parts in the order of their ends; None: nobody asks for them."""


SPENT: ContextVar[TimeSpent | None] = ContextVar("spent", default=None)
"""Of the request that this task carries out; None outside of any."""
