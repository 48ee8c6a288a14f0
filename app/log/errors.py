"""Errors of the log.

LogError
├── Conflict         other appends overtook a command in each of its tries
├── VersionMismatch  the stream does not have the version that the caller demanded
├── KeyReused        an idempotency key came back with another command
├── KeyInFlight      the first command with an idempotency key is still under way
├── NumbersUsedUp    all numbers that the API can show are given out
├── WrongMasterKey   the log was written with another master key than the service has
└── Unreadable       a stored event cannot be read: key gone, bytes altered, name unknown
    └── UnreadableEvent  the same, with its place in the log
        └── MissingEvent     there is none where one belongs
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID


class LogError(Exception):
    """The log refuses or cannot do something; the message is for humans."""


class Conflict(LogError):
    """Other appends to the stream overtook a command in each of its tries."""

    def __init__(self, stream: UUID, version: int) -> None:
        """`version` is the stream's present one."""
        self.stream = stream
        self.version = version
        super().__init__(f"The session is being changed by others (now at version {version})")


class VersionMismatch(LogError):
    """The stream does not have the version that the caller demanded."""

    def __init__(self, version: int) -> None:
        """`version` is the stream's present one."""
        self.version = version
        super().__init__(f"The present version is {version}")


class KeyReused(LogError):
    """An idempotency key came back with another command."""

    def __init__(self) -> None:
        """The message does not repeat the key."""
        super().__init__("This Idempotency-Key was used for another command")


class KeyInFlight(LogError):
    """The first command with an idempotency key is still under way."""

    def __init__(self) -> None:
        """The message does not repeat the key."""
        super().__init__("The first command with this Idempotency-Key is still in flight")


class NumbersUsedUp(LogError):
    """All numbers that the API can show are given out; nothing new can be created."""

    def __init__(self, sequence: str) -> None:
        """`sequence`: the source of the numbers."""
        what = sequence.removesuffix("_number").replace("_", " ")
        super().__init__(f"All numbers of {what}s are used up: 2147483647 is the last")


class WrongMasterKey(LogError):
    """The log was written with another master key than the service has."""


class Unreadable(LogError):
    """A stored event cannot be read."""


class UnreadableEvent(Unreadable):
    """A stored event cannot be read; the message names the event for the log's operator."""

    def __init__(self, stream: UUID, version: int, place: str, topic: str, why: object) -> None:
        """`place`: partition and position of the event; `topic`: its stored name."""
        self.stream = stream
        super().__init__(
            f"stream {stream}, version {version}, position {place}, stored as {topic!r}: {why}"
        )


def unreadable_row(row: Iterable[Any], why: object) -> UnreadableEvent:
    """Says why an event cannot be read, from the columns of `app.log.read`."""
    partition, position, stream, version, topic, *_ = row
    return UnreadableEvent(stream, version, f"{partition}:{position}", topic, why)


class MissingEvent(UnreadableEvent):
    """A stream has no event where one belongs."""

    def __init__(self, stream: UUID, version: int) -> None:
        """`version`: the missing one."""
        self.stream = stream
        Unreadable.__init__(self, f"stream {stream} has no version {version}")
