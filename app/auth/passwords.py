"""Passwords: argon2id hashes."""

import base64
import os

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

# OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
_KIB, _PASSES = 19_456, 2
_HASHER = PasswordHasher(time_cost=_PASSES, memory_cost=_KIB, parallelism=1)


def hash_password(password: str) -> str:
    """The argon2id hash to store; takes some 25 ms of a core."""
    return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the stored one; without a stored one False, after as long a time."""
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def _random(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode().rstrip("=")


_NOBODY = f"$argon2id$v=19$m={_KIB},t={_PASSES},p=1${_random(16)}${_random(32)}"
"""Looks like a hash, but of no password: a true hash would add 25 ms to each process's start."""
