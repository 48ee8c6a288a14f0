"""Verifies credentials: names with passwords, and tokens. What was verified counts for a moment."""

import hashlib
import os
import re
import time
from asyncio import shield, to_thread
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
from msgspec import Struct

from app.auth.password_rules import MAX_PASSWORD
from app.auth.passwords import matches
from app.auth.principals import (
    WRONG,
    Principal,
    Unauthenticated,
    hash_of,
    is_text,
    name_and_password,
    principal_of,
)
from app.auth.throttle import Throttle, Throttled
from app.concurrency.slots import Slots
from app.concurrency.ttl_cache import TtlCache, in_the_background
from app.database.pool import Pool
from app.database.sql import blocks
from app.settings import Settings
from domain.errors import InvalidField
from domain.principal.decide import require_name
from domain.principal.state import PrincipalState

SQL = blocks(__file__)

_CREDENTIALS_KEPT = 4_096
_TOLD_APART_S = 60.0
"""Calls by one credential from one address that are less apart are one sign-in to the log."""
_NUMBER = re.compile("[1-9][0-9]{0,8}")
_USES_APART = timedelta(seconds=60)
"""Times of a token's use that are less apart are not stored."""


class Verified(Struct, frozen=True):
    """A credential that is good, and the generation that its principal had then."""

    principal: Principal
    generation: int
    password_hash: str | None = None


class Principals:
    """Identifies callers by name and password or by token; its cache is at most a moment old."""

    def __init__(self, pool: Pool, throttle: Throttle, settings: Settings) -> None:
        """`throttle`: of the worker."""
        self._pool = pool
        self._throttle = throttle
        self._checks = Slots(settings.password_checks, settings.password_wait_s)
        self._verified = TtlCache[Verified](ttl_s=settings.credential_ttl_s, most=_CREDENTIALS_KEPT)
        # Credentials are cached under a keyed hash, so that a memory dump shows none.
        self._pepper = os.urandom(32)
        self._told: OrderedDict[tuple[bytes, str | None], float] = OrderedDict()
        """When a credential and an address are next to be told, by their arrival."""

    async def authenticate(
        self, authorization: bytes | None, address: str | None = None
    ) -> Principal:
        """The principal of an Authorization header that came from a client's address.

        Raises Unauthenticated, Throttled after too many wrong passwords, TooManyBefore if too many
        passwords wait to be checked, or StoreDown.
        """
        if authorization is None:
            raise Unauthenticated("Not Authenticated")
        verify = partial(self._verify, authorization, address)
        return (await self._verified.get(self._digest(authorization), verify)).principal

    def known(self, authorization: bytes, address: str | None = None) -> Principal | None:
        """The principal of a recently verified header, whose use from the address was told.

        None: the caller must `authenticate`, and ask `is_news`.
        """
        digest = self._digest(authorization)
        verified = self._verified.peek(digest) if self._is_told(digest, address) else None
        return None if verified is None else verified.principal

    def is_news(self, authorization: bytes, address: str | None) -> bool:
        """Whether the use of a verified header is to be told now; the next moments it is not."""
        digest = self._digest(authorization)
        if self._is_told(digest, address):
            return False
        self._told[digest, address] = time.monotonic() + _TOLD_APART_S
        self._told.move_to_end((digest, address))
        if len(self._told) > _CREDENTIALS_KEPT:
            self._told.popitem(last=False)
        return True

    def _is_told(self, digest: bytes, address: str | None) -> bool:
        return time.monotonic() < self._told.get((digest, address), 0.0)

    def _digest(self, authorization: bytes) -> bytes:
        return hashlib.blake2b(authorization, key=self._pepper, digest_size=16).digest()

    async def by_password(self, name: str, password: str, address: str | None = None) -> Verified:
        """The principal of a name and a password; checks the password anew each time.

        Raises as `authenticate` does.
        """
        # A check that is paid for also counts if the client goes away meanwhile.
        return await shield(in_the_background(self._by_password(name, password, address, None)))

    async def associate(self, name: str) -> Principal | None:
        """The principal of a name, or else of an associate's number; None if neither exists.

        Raises StoreDown.
        """
        number = int(name) if _NUMBER.fullmatch(name) else 0
        rows = await self._pool.ask(SQL["associate"], name, number) if is_text(name) else []
        return principal_of(rows[0]) if rows else None

    async def _verify(
        self, authorization: bytes, address: str | None, known: Verified | None
    ) -> Verified:
        scheme, _, credentials = authorization.partition(b" ")
        match scheme.lower():
            case b"basic":
                name, password = name_and_password(authorization)
                return await self._by_password(name, password, address, known)
            case b"bearer":
                return await self._by_token(credentials)
            case _:
                raise Unauthenticated(
                    "The Authorization scheme is not supported", reason="unknown scheme"
                )

    async def _by_password(
        self, name: str, password: str, address: str | None, known: Verified | None
    ) -> Verified:
        # No principal has an empty password, or such a name.
        if not 1 <= len(password) <= MAX_PASSWORD or not is_text(password) or not _is_name(name):
            raise Unauthenticated(WRONG, reason="malformed", name=name)
        if known is None:
            self._require_patience(name, address)
        rows = await self._pool.ask(SQL["by_name"], name)
        row = rows[0] if rows else None
        may_call = row is not None and row["state"] == PrincipalState.ACTIVE
        stored: str | None = row["password_hash"] if row is not None and may_call else None
        if known is None or stored is None or stored != known.password_hash:
            # What was good a moment ago is no guess, and does not count as one.
            guess = known is None
            await self._check(name, address, stored, password, _why(row), is_guess=guess)
        assert row is not None  # the check refuses who is not there
        return Verified(principal_of(row, auth="basic"), row["generation"], stored)

    async def _check(
        self,
        name: str,
        address: str | None,
        stored: str | None,
        password: str,
        why: str,
        *,
        is_guess: bool,
    ) -> None:
        async with self._checks.one():
            # Other wrong guesses may have come while this check waited.
            if is_guess:
                self._require_patience(name, address)
            # Who may not call takes as long as a wrong password, so that the time reveals nothing.
            if not await to_thread(matches, stored, password):
                if is_guess:
                    self._throttle.failed(name, address)
                raise Unauthenticated(WRONG, reason=why, name=name)
            # Not for a cached credential: constant calls with it would clear the way for the
            # guesses of a neighbour.
            self._throttle.succeeded(name, address)

    def _require_patience(self, name: str, address: str | None) -> None:
        try:
            self._throttle.require_patience(name, address)
        except Throttled as throttled:
            throttled.name = name
            raise

    async def _by_token(self, token: bytes) -> Verified:
        rows = await self._pool.ask(SQL["by_token"], hash_of(token.strip()))
        if not rows:
            raise Unauthenticated("Invalid token", reason="token")
        (row,) = rows
        last = row["last_used_at"]
        if last is None or datetime.now(UTC) - last > _USES_APART:
            # In the background: a token also works while the database takes no writes.
            in_the_background(self._pool.ask(SQL["token_used"], row["token_id"], writes=True))
        principal = principal_of(
            row,
            auth="token",
            token_id=str(row["token_id"]),
            issued_by=row["issued_by"],
            sign_in=None if row["sign_in"] is None else str(row["sign_in"]),
            ends_at=row["expires_at"],
        )
        return Verified(principal, row["generation"])


def _is_name(name: str) -> bool:
    try:
        require_name(name)
    except InvalidField:
        return False
    return True


def _why(row: asyncpg.Record | None) -> str:
    """Why a password is refused, for the log: callers do not learn it."""
    if row is None:
        return "unknown"
    return "password" if row["state"] == PrincipalState.ACTIVE else str(row["state"])
