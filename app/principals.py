"""Who calls: passwords (argon2id), opaque tokens, and what a principal's roles allow."""

import asyncio
import base64
import binascii
import hashlib
import os
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from msgspec import Struct

from app.log.errors import StoreDown
from app.log.pool import Pool
from app.sql import blocks

SQL = blocks(__file__)

SYSTEM_ADMINISTRATOR = "SystemAdministrator"
ADMIN = "Admin"
"""Passes every check of a role, as in ServiceStack."""
ONLOOKERS = frozenset({"Auditor", "Operator"})
"""Roles that read; who has no other changes no session."""

# OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_CREDENTIALS_KEPT = 4_096
_CHECK_WAIT_S = 1.5
"""How long a caller waits for a password to be checked while others are, before a 503."""


class Unauthenticated(Exception):
    """No credentials, or wrong ones."""


class Forbidden(Exception):
    """The principal lacks the role."""

    def __init__(self, role: str) -> None:
        """`role` that would have sufficed."""
        self.role = role
        super().__init__(f"{role} Role Required")


class Principal(Struct, frozen=True):
    """Somebody who may call."""

    name: str
    roles: tuple[str, ...]

    def require(self, role: str) -> None:
        """Raise Forbidden unless the principal has the role."""
        if role not in self.roles and ADMIN not in self.roles:
            raise Forbidden(role)

    def require_writer(self) -> None:
        """Raise Forbidden if all that the principal may do is look on."""
        if ONLOOKERS.issuperset(self.roles):
            raise Forbidden(SYSTEM_ADMINISTRATOR)


class _Verified(Struct, frozen=True):
    principal: Principal
    password_hash: str | None
    until: float


class Principals:
    """Tells callers by their Authorization header; what it knows is at most a moment old."""

    def __init__(self, pool: Pool, *, ttl_s: float, checks: int) -> None:
        """`ttl_s`: how long a verified credential counts; `checks`: passwords at a time."""
        self._pool = pool
        self._ttl_s = ttl_s
        self._checks = asyncio.Semaphore(checks)
        self._verified: dict[bytes, _Verified] = {}
        self._under_way: dict[bytes, asyncio.Task[_Verified]] = {}
        # Credentials are remembered under a keyed hash: a memory dump shows none.
        self._pepper = os.urandom(32)

    async def authenticate(self, authorization: bytes | None) -> Principal:
        """The principal of an Authorization header. Raises Unauthenticated, or StoreDown."""
        if authorization is None:
            raise Unauthenticated("Not Authenticated")
        digest = hashlib.blake2b(authorization, key=self._pepper, digest_size=16).digest()
        known = self._verified.get(digest)
        loop = asyncio.get_running_loop()
        if known is not None and loop.time() < known.until:
            return known.principal
        task = self._under_way.get(digest)
        if task is None:
            # Many requests with one credential: one of them verifies it for all.
            task = loop.create_task(self._verify(digest, authorization, known))
            self._under_way[digest] = task
            task.add_done_callback(lambda _: self._under_way.pop(digest))
        return (await asyncio.shield(task)).principal

    async def _verify(
        self, digest: bytes, authorization: bytes, known: _Verified | None
    ) -> _Verified:
        scheme, _, credentials = authorization.partition(b" ")
        match scheme.lower():
            case b"basic":
                principal, password_hash = await self._by_password(credentials, known)
            case b"bearer":
                principal, password_hash = await self._by_token(credentials)
            case _:
                raise Unauthenticated("The Authorization scheme is not supported")
        until = asyncio.get_running_loop().time() + self._ttl_s
        if len(self._verified) >= _CREDENTIALS_KEPT:
            self._verified.clear()  # whoever calls again is verified again
        verified = self._verified[digest] = _Verified(principal, password_hash, until)
        return verified

    async def _by_password(
        self, credentials: bytes, known: _Verified | None
    ) -> tuple[Principal, str | None]:
        try:
            pair = base64.b64decode(credentials.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise Unauthenticated("Invalid Username or Password") from None
        name, _, password = pair.partition(":")
        if "\0" in name:
            raise Unauthenticated("Invalid Username or Password")
        rows = await self._pool.ask(SQL["by_name"], name)
        stored: str | None = rows[0]["password_hash"] if rows else None
        if known is None or stored is None or stored != known.password_hash:
            # An unknown name costs as much as a wrong password: time tells nothing.
            right = await self._matches(stored or _NOBODY, password)
            if not right or stored is None:
                raise Unauthenticated("Invalid Username or Password")
        return Principal(rows[0]["name"], tuple(rows[0]["roles"])), stored

    async def _matches(self, stored: str, password: str) -> bool:
        try:
            await asyncio.wait_for(self._checks.acquire(), _CHECK_WAIT_S)
        except TimeoutError:
            raise StoreDown("Too many passwords are being checked") from None
        try:
            return await asyncio.to_thread(_matches, stored, password)
        finally:
            self._checks.release()

    async def _by_token(self, token: bytes) -> tuple[Principal, None]:
        rows = await self._pool.ask(SQL["by_token"], hashlib.sha256(token.strip()).digest())
        if not rows:
            raise Unauthenticated("Invalid token")
        return Principal(rows[0]["name"], tuple(rows[0]["roles"])), None


def hash_password(password: str) -> str:
    """The argon2id hash to store; takes some 25 ms of a core."""
    return _HASHER.hash(password)


def new_token() -> tuple[str, bytes]:
    """A fresh bearer token (256 random bits), and what is stored of it."""
    token = secrets.token_urlsafe(32)
    return token, hashlib.sha256(token.encode()).digest()


def _matches(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))
