"""What the log can fail with.

LogError
├── Conflict         a stream moved on under a command, more often than it was decided again
├── VersionMismatch  the version that the caller demanded is not the stream's
├── KeyReused        an idempotency key came back with another command
├── KeyInFlight      the first command with an idempotency key is still under way
├── NumbersUsedUp    all numbers that the API can show are given out
├── WrongMasterKey   the service was given another key than the log was written with
└── Unreadable       a stored event cannot be read: key gone, bytes altered, name unknown
    └── UnreadableEvent  the same, with its place in the log
"""

from uuid import UUID


class LogError(Exception):
    """Something that the log refuses or cannot do; the message is for humans."""


class Conflict(LogError):
    """A stream moved on under a command again and again."""

    def __init__(self, stream: UUID, version: int) -> None:
        """`version` is the stream's present one."""
        self.stream = stream
        self.version = version
        super().__init__(f"The session is being changed by others (now at version {version})")


class VersionMismatch(LogError):
    """The version that the caller demanded is not the stream's."""

    def __init__(self, version: int) -> None:
        """`version` is the stream's present one."""
        self.version = version
        super().__init__(f"The present version is {version}")


class KeyReused(LogError):
    """An idempotency key came back with another command."""

    def __init__(self) -> None:
        """Says it without repeating the key."""
        super().__init__("This Idempotency-Key was used for another command")


class KeyInFlight(LogError):
    """The first command with an idempotency key is still under way."""

    def __init__(self) -> None:
        """Says it without repeating the key."""
        super().__init__("The first command with this Idempotency-Key is still in flight")


class NumbersUsedUp(LogError):
    """All numbers that the API can show are given out; nothing new can be made."""

    def __init__(self, sequence: str) -> None:
        """`sequence`: where they came from."""
        what = sequence.removesuffix("_number").replace("_", " ")
        super().__init__(f"All numbers of {what}s are used up: 2147483647 is the last")


class WrongMasterKey(LogError):
    """The service was given another master key than the log was written with."""


class Unreadable(LogError):
    """A stored event cannot be read."""


class UnreadableEvent(Unreadable):
    """A stored event cannot be read; says which one, for whoever looks after the log."""

    def __init__(self, stream: UUID, version: int, place: str, topic: str, why: object) -> None:
        """`place`: its partition and position; `topic`: the name it is stored under."""
        self.stream = stream
        super().__init__(
            f"stream {stream}, version {version}, position {place}, stored as {topic!r}: {why}"
        )
