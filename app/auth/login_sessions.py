"""Login sessions: opened by a password, identified by a token, closed by sign-out.

Faces decide how the token travels. It is a secret of 256 random bits. So a face can also derive
values from it that must be bound to the session, such as an XSRF token.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from app.auth.principals import WRONG, Principal, Unauthenticated, hash_of, new_token, principal_of
from app.auth.register import Act, PrincipalChanged, Register, Registered, Secret, new_id
from app.auth.verification import Principals
from app.concurrency.keyed_lock import KeyedLock
from app.concurrency.ttl_cache import TtlCache, in_the_background
from app.database.pool import Pool
from app.database.sql import blocks
from app.log.facts import NO_FACTS, Facts
from app.settings import Settings
from domain.errors import DomainError, NotFound
from domain.principal.commands import SignIn, SignOut

SQL = blocks(__file__)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_KEPT = 4_096
_SEEN_APART = timedelta(minutes=5)
"""Times at which a session is seen are not stored if they are less apart."""


class LoginSession(Struct, frozen=True):
    """The principal who has signed in, and whether the session outlives the browser."""

    principal: Principal
    permanent: bool


class SignInInfo(Struct, frozen=True, kw_only=True):
    """A sign-in that has not ended, as its user may see it."""

    id: str
    opened_at: datetime
    seen_at: datetime
    """Within some minutes."""
    address: str | None
    """That it was opened from; None: unknown."""
    means: str | None
    permanent: bool
    expires_at: datetime


class Logins:
    """The sessions of all workers, in the database; one worker's cache is at most a moment old."""

    def __init__(
        self, pool: Pool, principals: Principals, register: Register, settings: Settings
    ) -> None:
        """A cached session is valid for as long as a verified credential."""
        self._pool = pool
        self._principals = principals
        self._register = register
        self._settings = settings
        self._known = TtlCache[LoginSession](ttl_s=settings.credential_ttl_s, most=_KEPT)
        # Many sign-ins of one principal take turns: each is an event of one stream.
        self._turns = KeyedLock(settings.turn_wait_s)

    async def sign_in(
        self,
        name: str,
        password: str,
        address: str | None,
        *,
        permanent: bool,
        facts: Facts = NO_FACTS,
    ) -> tuple[str, LoginSession]:
        """Open a session and return its token, which is shown only once, with it.

        `facts`: of the call. Raises Unauthenticated, Throttled after too many wrong passwords, or
        StoreDown.
        """
        verified = await self._principals.by_password(name, password, address)
        token, key = new_token()
        command, secret = self._opening(name, key, verified.generation, permanent=permanent)
        try:
            async with self._turns.of(name):
                await self._register.carry_out(command, Act(name, facts), secret)
        except (PrincipalChanged, DomainError):
            # Changed since the password was checked.
            raise Unauthenticated(WRONG, reason="changed", name=name) from None
        principal = replace(
            verified.principal,
            auth="cookie",
            sign_in=command.sign_in,
            ends_at=command.expires_at,
        )
        return token, LoginSession(principal, permanent)

    def _opening(
        self, name: str, key: bytes, generation: int, *, permanent: bool
    ) -> tuple[SignIn, Secret]:
        settings, limits = self._settings, self._settings.callers
        lasts_s = settings.permanent_login_s if permanent else settings.login_s
        idle_s = limits.permanent_sign_in_idle_s if permanent else limits.sign_in_idle_s
        command = SignIn(
            name=name,
            sign_in=new_id(),
            permanent=permanent,
            expires_at=datetime.now(UTC) + timedelta(seconds=lasts_s),
        )
        idle = timedelta(seconds=idle_s)
        return command, Secret(
            value=key, generation=generation, idle=idle, sign_ins=limits.sign_ins
        )

    async def session(self, token: str) -> LoginSession | None:
        """The session of a token; None if it was closed, has expired, or never existed."""
        if _TOKEN.fullmatch(token) is None:
            return None
        key = hash_of(token.encode())
        try:
            return await self._known.get(key, lambda _: self._find(key))
        except _NoSession:
            return None

    async def sign_out(self, tokens: Iterable[str], facts: Facts = NO_FACTS) -> list[Principal]:
        """Close the sessions of tokens: here at once, in other workers a moment later.

        Returns who was signed out. Raises StoreDown.
        """
        gone = []
        for token in dict.fromkeys(tokens):
            if _TOKEN.fullmatch(token) is None:
                continue
            key = hash_of(token.encode())
            try:
                principal = (await self._find(key)).principal
                command = SignOut(name=principal.name, sign_in=principal.sign_in)
                async with self._turns.of(principal.name):
                    await self._register.carry_out(command, Act(principal.name, facts))
                gone.append(principal)
            except _NoSession:
                pass
            self._known.forget(key)
        return gone

    async def open_of(self, name: str) -> Sequence[SignInInfo]:
        """The sign-ins of a principal that have not ended, the newest first. Raises StoreDown."""
        return [
            SignInInfo(
                id=str(row["id"]),
                opened_at=row["opened_at"],
                seen_at=row["seen_at"],
                address=self._address(name, row),
                means=row["means"],
                permanent=row["permanent"],
                expires_at=row["expires_at"],
            )
            for row in await self._pool.ask(SQL["open"], name, *self._register.place_of(name))
        ]

    def _address(self, name: str, row: asyncpg.Record) -> str | None:
        sealed, wrapped = row["sealed_address"], row["wrapped"]
        return None if sealed is None else self._register.opened_address(name, sealed, wrapped)

    async def end(self, name: str, sign_in: str, act: Act) -> Registered:
        """End one sign-in of a principal, in every worker a moment later.

        Raises NotFound for another's as for an unknown one, or StoreDown.
        """
        async with self._turns.of(name):
            is_open = any(each.id == sign_in for each in await self.open_of(name))
            if not is_open and not await self._register.is_retry(name, act):
                raise NotFound("Sign-in", sign_in)
            return await self._register.carry_out(SignOut(name=name, sign_in=sign_in), act)

    async def _find(self, key: bytes) -> LoginSession:
        rows = await self._pool.ask(SQL["find"], key)
        if not rows:
            raise _NoSession
        (row,) = rows
        if datetime.now(UTC) - row["seen_at"] > _SEEN_APART:
            # In the background: a session also counts while the database takes no writes.
            in_the_background(self._pool.ask(SQL["seen"], row["sign_in"], writes=True))
        principal = principal_of(
            row, auth="cookie", sign_in=str(row["sign_in"]), ends_at=row["expires_at"]
        )
        return LoginSession(principal, row["permanent"])


class _NoSession(Exception):
    """An error is not cached, so nobody can fill the memory with tokens that never existed."""
