"""What clients asked for and were promised, written down before and after; and the check of it.

The ledger is a file of the clients: an intent is in it before the command is sent, an
acknowledgement as soon as the answer is there. The check compares it with what the log holds, by
the content of the events, not by the service's own notes on idempotency keys.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from app.log.read import heads, read_feed
from app.maintenance.keys import keyring_of
from app.maintenance.store import DataLocation, connected
from domain.ai_session import AISessionCreated, AISessionPatched
from domain.chat.events import ChatSessionCreated, ChatSessionUpdated
from domain.principal.events import PrincipalEvent

OF_CALLERS = "of callers"
"""The key of events that tell of callers: no client asked for them."""


class Intent(Struct, frozen=True, tag="intent"):
    """A command that a client is about to send; its `key` is also the text that it stores."""

    key: str


class Ack(Struct, frozen=True, tag="ack"):
    """The answer to a command: where the log has it."""

    key: str
    version: int
    position: int
    partition: int = 0


class Stored(Struct, frozen=True):
    """An event in the log, and the key of the command that it came from."""

    key: str
    stream: str
    version: int
    position: int
    partition: int = 0


class Ledger:
    """The file, open for writing by all clients of a run."""

    def __init__(self, file: IO[bytes]) -> None:
        """Use `ledger`."""
        self._file = file

    def intend(self, key: str) -> None:
        """Write down that a command is about to be sent."""
        self._write(Intent(key))

    def acknowledge(self, key: str, version: int, position: int, partition: int = 0) -> None:
        """Write down that a command was answered 2xx."""
        self._write(Ack(key, version, position, partition))

    def _write(self, line: Intent | Ack) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()


@contextmanager
def ledger(path: Path) -> Iterator[Ledger]:
    """A ledger that goes on where the file ends."""
    with path.open("ab") as file:
        yield Ledger(file)


def read_ledger(path: Path) -> Sequence[Intent | Ack]:
    """What clients wrote down."""
    decoder = msgspec.json.Decoder(Intent | Ack)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]


async def read_log(url: str, where: DataLocation) -> Sequence[Stored]:
    """All events that the log holds, in its order."""
    async with connected(url) as store:
        keyring = await keyring_of(store, where)
        return [
            Stored(
                _key(recorded.event),
                str(recorded.stream),
                recorded.version,
                recorded.position,
                head.partition,
            )
            for head in await heads(store)
            async for page in read_feed(store, keyring, head.partition, until=head.position)
            for recorded in page
        ]


def differences(written: Sequence[Intent | Ack], stored: Sequence[Stored]) -> list[str]:
    """What the log owes its clients, or has that nobody asked for; empty when all is well."""
    intents = {line.key for line in written if isinstance(line, Intent)}
    acks = [line for line in written if isinstance(line, Ack)]
    times = Counter(event.key for event in stored if event.key != OF_CALLERS)
    places = {event.key: event for event in stored}
    found = [f"{key}: stored, but nobody asked for it" for key in times if key not in intents]
    found += [f"{key}: done {count} times" for key, count in times.items() if count > 1]
    for ack in acks:
        place = places.get(ack.key)
        if place is None:
            found.append(f"{ack.key}: acknowledged, and lost")
        elif times[ack.key] == 1 and _place(place) != _place(ack):
            found.append(f"{ack.key}: acknowledged at {ack.position}, stored at {place.position}")
    found += [f"{key}: never answered" for key in intents - {ack.key for ack in acks}]
    return found + _holes(stored)


def _place(where: Ack | Stored) -> tuple[int, int, int]:
    return where.partition, where.position, where.version


def _holes(stored: Sequence[Stored]) -> list[str]:
    found = [
        f"a hole in the log between {before.position} and {after.position}"
        for before, after in pairwise(stored)
        if before.partition == after.partition and after.position != before.position + 1
    ]
    beginnings = {event.partition: event.position for event in reversed(stored)}
    found += ["the log's beginning" for position in beginnings.values() if position != 1]
    streams: dict[str, list[int]] = {}
    for event in stored:
        streams.setdefault(event.stream, []).append(event.version)
    found += [
        f"{stream}: has versions {versions}"
        for stream, versions in streams.items()
        if versions != list(range(1, len(versions) + 1))
    ]
    return found


def _key(event: object) -> str:
    match event:
        case _ if isinstance(event, PrincipalEvent):
            return OF_CALLERS
        case AISessionCreated(purpose=str() as key) | AISessionPatched(purpose=str() as key):
            return key
        case (
            ChatSessionCreated(customer_alias=str() as key)
            | ChatSessionUpdated(customer_alias=str() as key)
        ):
            return key
        case _:
            return f"not a client's: {event!r}"
