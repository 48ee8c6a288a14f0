"""Passwords: argon2id hashes, and a bound on how many are checked at a time."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from app.database.errors import StoreDown

# OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
_KIB, _PASSES = 19_456, 2
_HASHER = PasswordHasher(time_cost=_PASSES, memory_cost=_KIB, parallelism=1)
_WAIT_S = 1.5
"""How long a caller waits for a password to be checked while others are, before a 503."""


class Checks:
    """Who may check a password now; each takes a core and 19 MiB."""

    def __init__(self, checks: int) -> None:
        """`checks`: passwords at a time."""
        self._checks = asyncio.Semaphore(checks)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn, and have it as long as the block lasts. Raises StoreDown."""
        try:
            await asyncio.wait_for(self._checks.acquire(), _WAIT_S)
        except TimeoutError:
            raise StoreDown("Too many passwords are being checked") from None
        try:
            yield
        finally:
            self._checks.release()


def hash_password(password: str) -> str:
    """The argon2id hash to store; takes some 25 ms of a core."""
    return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the stored one; without one it is not, and that takes as long."""
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def _random(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode().rstrip("=")


_NOBODY = f"$argon2id$v=19$m={_KIB},t={_PASSES},p=1${_random(16)}${_random(32)}"
"""As a password's hash, but of none: to make a true one takes 25 ms of every process' start."""
