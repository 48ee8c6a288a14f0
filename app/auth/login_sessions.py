"""Login sessions: opened by a password, identified by a token, closed by sign-out.

Faces decide how the token travels. It is a secret of 256 random bits. So a face can also derive
values from it that must be bound to the session, such as an XSRF token.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from app.auth.principals import (
    WRONG,
    Principal,
    Principals,
    Unauthenticated,
    hash_of,
    new_token,
    principal_of,
)
from app.concurrency.ttl_cache import TtlCache
from app.database.pool import Pool
from app.database.sql import blocks
from app.settings import Settings

SQL = blocks(__file__)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_KEPT = 4_096


class LoginSession(Struct, frozen=True):
    """The principal who has signed in, and whether the session outlives the browser."""

    principal: Principal
    permanent: bool


class Logins:
    """The sessions of all workers, in the database; one worker's cache is at most a moment old."""

    def __init__(self, pool: Pool, principals: Principals, settings: Settings) -> None:
        """A cached session is valid for as long as a verified credential."""
        self._pool = pool
        self._principals = principals
        self._settings = settings
        self._known = TtlCache[LoginSession](ttl_s=settings.credential_ttl_s, most=_KEPT)

    async def sign_in(
        self, name: str, password: str, address: str | None, *, permanent: bool
    ) -> tuple[str, LoginSession]:
        """Open a session and return its token, which is shown only once, with it.

        Raises Unauthenticated, Throttled after too many wrong passwords, or StoreDown.
        """
        principal = await self._principals.by_password(name, password, address)
        token, key = new_token()
        settings = self._settings
        seconds = float(settings.permanent_login_s if permanent else settings.login_s)
        if not await self._pool.ask_once(SQL["open"], key, principal.name, permanent, seconds):
            raise Unauthenticated(WRONG)  # removed since the password was checked
        return token, LoginSession(principal, permanent)

    async def session(self, token: str) -> LoginSession | None:
        """The session of a token; None if it was closed, has expired, or never existed."""
        if _TOKEN.fullmatch(token) is None:
            return None
        key = hash_of(token.encode())
        try:
            return await self._known.get(key, lambda _: self._find(key))
        except _NoSession:
            return None

    async def sign_out(self, tokens: Iterable[str]) -> None:
        """Close the sessions of tokens: here at once, in other workers a moment later."""
        keys = [hash_of(token.encode()) for token in tokens if _TOKEN.fullmatch(token)]
        if keys:
            await self._pool.ask(SQL["close"], keys, writes=True)
        for key in keys:
            self._known.forget(key)

    async def _find(self, key: bytes) -> LoginSession:
        rows = await self._pool.ask(SQL["find"], key)
        if not rows:
            raise _NoSession
        return LoginSession(principal_of(rows[0]), rows[0]["permanent"])


class _NoSession(Exception):
    """An error is not cached, so nobody can fill the memory with tokens that never existed."""
