"""Legal holds: what nobody may erase, a session or all sessions of an account, and why.

Each has a stream of its own beside that of what it holds, so that it changes no session.
"""

from collections.abc import Sequence
from typing import ClassVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import AlreadyExists, NotFound
from domain.event import Event


class PlaceHold(Struct, frozen=True, kw_only=True):
    """Forbid to erase personal data. The caller checks that the target exists."""

    target: str
    """A session's id, or `account:ID`."""
    reason: str


class LiftHold(Struct, frozen=True, kw_only=True):
    """Allow it again."""

    target: str
    reason: str


Command = PlaceHold | LiftHold


class HoldPlaced(Event, frozen=True, kw_only=True):
    """A hold began."""

    topic: ClassVar[str] = "hold.placed.v1"

    target: str
    reason: str


class HoldLifted(Event, frozen=True, kw_only=True):
    """A hold ended."""

    topic: ClassVar[str] = "hold.lifted.v1"

    reason: str


HoldEvent = HoldPlaced | HoldLifted


class Hold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a hold, folded from its events."""

    target: str
    reason: str
    """Why nothing may be erased."""
    lifted: str | None = None
    """Why that is over; None: it is not."""


def decide(command: Command, state: Hold | None) -> Sequence[HoldEvent]:
    """The event that a command adds.

    Raises AlreadyExists for a second hold on one target, NotFound if there is none to lift.
    """
    is_held = state is not None and state.lifted is None
    match command:
        case PlaceHold(target=target, reason=reason):
            if is_held:
                raise AlreadyExists("Hold", target)
            return [HoldPlaced(target=target, reason=reason)]
        case LiftHold(target=target, reason=reason):
            if not is_held:
                raise NotFound("Hold", target)
            return [HoldLifted(reason=reason)]
        case _:
            assert_never(command)


def evolve(state: Hold | None, event: HoldEvent) -> Hold:
    """The hold after one more event."""
    match event:
        case HoldPlaced(target=target, reason=reason):
            return Hold(target=target, reason=reason)
        case HoldLifted(reason=reason):
            assert state is not None  # versions have no gaps, so it was placed first
            return replace(state, lifted=reason)
        case _:
            assert_never(event)
