"""Slows down password guessing. Knows no passwords, no HTTP and no database.

Our own, because the known libraries (`limits`) count calls in windows: they have no pauses that
double, and their memory is not bounded in entries.
"""

import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from msgspec import Struct

from app.settings import GuessingLimits

T = TypeVar("T")


class Throttled(Exception):
    """Too many wrong passwords; the next one is checked after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        """The message is the same whether the user exists or not."""
        self.retry_after_s = retry_after_s
        self.name: str | None = None
        """As the caller gave it, where that is known."""
        super().__init__("Too many failed sign-ins: wait before the next")


class _Failures(Struct):
    count: int
    last: float


class Throttle:
    """Counts wrong passwords by user and address: tightly by pair, loosely by each alone.

    Each worker process counts for itself, so each of several forgives the full number. A user who
    signed in from an address before is held up there only by failures of that very pair. So two
    others cannot lock this user out: a stranger who guesses the user's password elsewhere, and a
    neighbour behind the same address who guesses another user's.
    """

    def __init__(self, limits: GuessingLimits, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._limits = limits
        self._clock = clock
        self._failures: OrderedDict[bytes, _Failures] = OrderedDict()
        self._established: OrderedDict[bytes, float] = OrderedDict()
        # A name may be a mistyped password, so names are not kept in plain text.
        self._pepper = os.urandom(32)

    def require_patience(self, user: str, address: str | None) -> None:
        """Raise Throttled while the user, the address or their pair must wait."""
        limits = self._limits
        pair, *alone = self._keys(user, address)
        wait_s = self._wait_s(pair, limits.failures, limits.longest_pause_s)
        if not self._is_established(pair):
            for key in alone:
                at_large_s = self._wait_s(
                    key, limits.failures_at_large, limits.longest_pause_at_large_s
                )
                wait_s = max(wait_s, at_large_s)
        if wait_s > 0:
            raise Throttled(math.ceil(wait_s))

    def failed(self, user: str, address: str | None) -> None:
        """Count a wrong password."""
        now = self._clock()
        for key in self._keys(user, address):
            before = self._remembered(key)
            self._failures[key] = _Failures(1 + (before.count if before else 0), now)
            _bound(self._failures, key, self._limits.kept)

    def succeeded(self, user: str, address: str | None) -> None:
        """Forget the pair's failures, and nobody else's.

        Otherwise a guesser could clear an address by signing in to an account of their own.
        """
        pair = self._keys(user, address)[0]
        self._failures.pop(pair, None)
        self._established[pair] = self._clock()
        _bound(self._established, pair, self._limits.kept)

    def _wait_s(self, key: bytes, forgiven: int, longest_s: float) -> float:
        failures = self._remembered(key)
        if failures is None or failures.count < forgiven:
            return 0.0
        doublings = min(failures.count - forgiven, 30)
        pause_s = min(self._limits.pause_s * (1 << doublings), longest_s)
        return failures.last + pause_s - self._clock()

    def _remembered(self, key: bytes) -> _Failures | None:
        failures = self._failures.get(key)
        if failures is None or self._clock() < failures.last + self._limits.forgotten_after_s:
            return failures
        del self._failures[key]
        return None

    def _is_established(self, pair: bytes) -> bool:
        since = self._established.get(pair)
        return since is not None and self._clock() < since + self._limits.established_s

    def _keys(self, user: str, address: str | None) -> tuple[bytes, bytes, bytes]:
        """The keys of the pair, of the user and of the address."""
        network = _network(address)
        return self._key("pair", user, network), self._key("user", user), self._key("at", network)

    def _key(self, *parts: str) -> bytes:
        text = "\0".join(parts).encode()
        return blake2b(text, key=self._pepper, digest_size=16).digest()


def _bound(kept: OrderedDict[bytes, T], key: bytes, most: int) -> None:
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)


def _network(address: str | None) -> str:
    """The addresses of one client: a single IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False))
