"""Identifies callers by name and password or by opaque token; knows the rights of their roles."""

import base64
import binascii
import hashlib
import os
import re
import secrets
from asyncio import shield, to_thread
from collections.abc import Collection
from functools import partial

import asyncpg
from msgspec import Struct

from app.auth.passwords import Checks, matches
from app.auth.roles import (
    ADMIN,
    ADMINISTRATORS,
    AGENT,
    CUSTOMER,
    MANAGER,
    ONLOOKERS,
    SYSTEM_ADMINISTRATOR,
)
from app.auth.throttle import Throttle
from app.concurrency.ttl_cache import TtlCache, in_the_background
from app.database.pool import Pool
from app.database.sql import blocks
from domain.errors import NotFound

SQL = blocks(__file__)

WRONG = "Invalid Username or Password"
"""The same message for a wrong password and for an unknown name."""

_NO_AGENTS = ONLOOKERS | {CUSTOMER}
_BELOW_MANAGER = frozenset({CUSTOMER, AGENT})
_CREDENTIALS_KEPT = 4_096
_NUMBER = re.compile("[1-9][0-9]{0,8}")


class Unauthenticated(Exception):
    """No credentials, or wrong ones."""


class Forbidden(Exception):
    """The principal may not do this, mostly because a role is missing."""

    def __init__(self, role: str = "", *, message: str = "") -> None:
        """`role`: one that would suffice; else `message`: names what would suffice."""
        super().__init__(message or f"{role} Role Required")


class Principal(Struct, frozen=True):
    """A known caller."""

    name: str
    roles: tuple[str, ...]
    associate_id: int = 0
    """The agent's number in chats; no stored principal has 0."""
    auth: str = ""
    """The means: `basic`, `cookie` or `token`."""
    token_id: str | None = None
    """Of the token that it calls with."""
    issued_by: str | None = None
    """Who asked for that token: the principal itself, another one, or an operator."""

    @property
    def is_administrator(self) -> bool:
        """Whether the principal sees everything."""
        return not ADMINISTRATORS.isdisjoint(self.roles)

    def require(self, *roles: str) -> None:
        """Raise Forbidden unless the principal has one of the roles, if any are named, or Admin."""
        if roles and ADMIN not in self.roles and frozenset(roles).isdisjoint(self.roles):
            raise Forbidden(roles[0])

    @property
    def is_onlooker(self) -> bool:
        """Whether the principal may only read."""
        return ONLOOKERS.issuperset(self.roles)

    @property
    def takes_chats(self) -> bool:
        """Whether the principal can receive chats: has a role beside onlooker or customer."""
        return not _NO_AGENTS.issuperset(self.roles)

    def require_writer(self) -> None:
        """Raise Forbidden if the principal may only read."""
        if self.is_onlooker:
            roles = f"{AGENT}, {MANAGER}, {CUSTOMER} or {SYSTEM_ADMINISTRATOR}"
            raise Forbidden(message=f"{roles} Role Required")

    def require_power_over(self, roles: Collection[str]) -> None:
        """Raise Forbidden unless the principal may act in the name of somebody with these roles.

        An Admin may do so for everybody, a SystemAdministrator for everybody but an Admin. A
        Manager may for principals without a role beyond the Manager's own, Customer and Agent.
        Nobody else may.
        """
        mine = frozenset(self.roles)
        if ADMIN in mine:
            return
        if SYSTEM_ADMINISTRATOR in mine:
            if ADMIN in roles:
                raise Forbidden(ADMIN)
        elif MANAGER not in mine or not (mine | _BELOW_MANAGER).issuperset(roles):
            raise Forbidden(SYSTEM_ADMINISTRATOR)


class _Verified(Struct, frozen=True):
    principal: Principal
    password_hash: str | None


class Principals:
    """Identifies callers by name and password or by token; its cache is at most a moment old."""

    def __init__(self, pool: Pool, throttle: Throttle, *, ttl_s: float, checks: int) -> None:
        """`ttl_s`: how long a verified credential is valid; `checks`: password checks at a time."""
        self._pool = pool
        self._throttle = throttle
        self._checks = Checks(checks)
        self._verified = TtlCache[_Verified](ttl_s=ttl_s, most=_CREDENTIALS_KEPT)
        # Credentials are cached under a keyed hash, so that a memory dump shows none.
        self._pepper = os.urandom(32)

    async def authenticate(
        self, authorization: bytes | None, address: str | None = None
    ) -> Principal:
        """The principal of an Authorization header that came from a client's address.

        Raises Unauthenticated, Throttled after too many wrong passwords, or StoreDown.
        """
        if authorization is None:
            raise Unauthenticated("Not Authenticated")
        verify = partial(self._verify, authorization, address)
        return (await self._verified.get(self._digest(authorization), verify)).principal

    def known(self, authorization: bytes) -> Principal | None:
        """The principal of a recently verified header; None: the caller must `authenticate`."""
        verified = self._verified.peek(self._digest(authorization))
        return None if verified is None else verified.principal

    def _digest(self, authorization: bytes) -> bytes:
        return hashlib.blake2b(authorization, key=self._pepper, digest_size=16).digest()

    async def by_password(self, name: str, password: str, address: str | None = None) -> Principal:
        """The principal of a name and a password; checks the password anew each time.

        Raises as `authenticate` does.
        """
        # A check that is paid for also counts if the client goes away meanwhile.
        check = in_the_background(self._by_password(name, password, address, None))
        return (await shield(check)).principal

    async def give_token(self, name: str, by: Principal) -> str:
        """A new bearer token for the principal of a name, at the request of another.

        It is stored as a hash and shown only once. Raises NotFound, StoreDown, or Forbidden if
        the token would give `by` more power (`Principal.require_power_over`).
        """
        rows = await self._pool.ask(SQL["by_name"], name) if is_text(name) else []
        if not rows:
            raise NotFound("User", name)
        by.require_power_over(rows[0]["roles"])
        token, token_hash = new_token()
        # Only for the roles that were checked: others may have been added since.
        if not await self._pool.ask_once(SQL["add_token_for"], token_hash, name, rows[0]["roles"]):
            raise NotFound("User", name)
        return token

    async def associate(self, name: str) -> Principal | None:
        """The principal of a name, or else of an associate's number; None if neither exists.

        Raises StoreDown.
        """
        number = int(name) if _NUMBER.fullmatch(name) else 0
        rows = await self._pool.ask(SQL["associate"], name, number) if is_text(name) else []
        return principal_of(rows[0]) if rows else None

    async def _verify(
        self, authorization: bytes, address: str | None, known: _Verified | None
    ) -> _Verified:
        scheme, _, credentials = authorization.partition(b" ")
        match scheme.lower():
            case b"basic":
                name, password = name_and_password(authorization)
                return await self._by_password(name, password, address, known)
            case b"bearer":
                return await self._by_token(credentials)
            case _:
                raise Unauthenticated("The Authorization scheme is not supported")

    async def _by_password(
        self, name: str, password: str, address: str | None, known: _Verified | None
    ) -> _Verified:
        # No principal has an empty password.
        if not password or not is_text(name) or not is_text(password):
            raise Unauthenticated(WRONG)
        if known is None:
            self._throttle.require_patience(name, address)
        rows = await self._pool.ask(SQL["by_name"], name)
        stored: str | None = rows[0]["password_hash"] if rows else None
        if known is None or stored is None or stored != known.password_hash:
            await self._check(name, address, stored, password)
        return _Verified(principal_of(rows[0]), stored)

    async def _check(
        self, name: str, address: str | None, stored: str | None, password: str
    ) -> None:
        async with self._checks.turn():
            # Other wrong guesses may have come while this check waited.
            self._throttle.require_patience(name, address)
            # An unknown name takes as long as a wrong password, so that the time reveals nothing.
            if not await to_thread(matches, stored, password):
                self._throttle.failed(name, address)
                raise Unauthenticated(WRONG)
            # Not for a cached credential: constant calls with it would clear the way for the
            # guesses of a neighbour.
            self._throttle.succeeded(name, address)

    async def _by_token(self, token: bytes) -> _Verified:
        rows = await self._pool.ask(SQL["by_token"], hash_of(token.strip()))
        if not rows:
            raise Unauthenticated("Invalid token")
        return _Verified(principal_of(rows[0]), None)


def new_token() -> tuple[str, bytes]:
    """A fresh token of 256 random bits, 43 characters of A-Za-z0-9_-, and its hash to store."""
    token = secrets.token_urlsafe(32)
    return token, hash_of(token.encode())


def hash_of(token: bytes) -> bytes:
    """The stored hash of a token: the time of comparing hashes reveals nothing of the secret."""
    return hashlib.sha256(token).digest()


def is_text(value: str) -> bool:
    """Whether PostgreSQL can store the text: no NUL, no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def name_and_password(authorization: bytes) -> tuple[str, str]:
    """Name and password of an Authorization header with scheme Basic. Raises Unauthenticated."""
    scheme, _, credentials = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        raise Unauthenticated("Not Authenticated")
    try:
        pair = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated(WRONG) from None
    name, _, password = pair.partition(":")
    return name, password


def principal_of(row: asyncpg.Record) -> Principal:
    """The principal of a row with its name, roles and associate's number."""
    return Principal(row["name"], tuple(row["roles"]), row["associate_id"])
