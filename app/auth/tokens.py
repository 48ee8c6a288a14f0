"""Bearer tokens: issued once, for a time, stored as hashes, and revoked."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from app.auth.people import People, require_text
from app.auth.principals import Principal, new_token
from app.auth.register import Act, Register, Registered, Secret, new_id
from app.database.sql import blocks
from app.settings import CallerLimits
from domain.errors import NotFound
from domain.principal.commands import IssueToken, RevokeToken
from domain.principal.decide import require_label

SQL = blocks(__file__)


class IssuedToken(Struct, frozen=True, kw_only=True, rename="camel"):
    """A fresh token; it is shown this once."""

    id: str
    token: str
    principal: str
    label: str
    expires_at: datetime | None

    @classmethod
    def of(cls, command: IssueToken, token: str) -> Self:
        """The token that a command issued."""
        return cls(
            id=command.token_id,
            token=token,
            principal=command.name,
            label=command.label,
            expires_at=command.expires_at,
        )

    def __repr__(self) -> str:
        """Without the token, for logs."""
        return f"IssuedToken(id={self.id!r}, principal={self.principal!r})"


class TokenInfo(Struct, frozen=True, kw_only=True, rename="camel"):
    """A token that has not ended."""

    id: str
    principal: str
    label: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """Within a minute or so; None: never."""


class ShownOnce(Exception):
    """A retry asks for a token that was issued before: nobody can show it again."""

    def __init__(self) -> None:
        """The message says what to do."""
        super().__init__("This token was issued and shown once: revoke it, and ask for another")


class Issued(Struct, frozen=True):
    """A fresh token, and its principal after it."""

    token: IssuedToken
    done: Registered


class Tokens:
    """The tokens of all principals."""

    def __init__(self, register: Register, people: People, limits: CallerLimits) -> None:
        """`limits`: of their number and their time."""
        self._register = register
        self._store = register.store
        self._people = people
        self._limits = limits

    async def issue(
        self,
        name: str,
        act: Act,
        *,
        label: str = "",
        expires_at: datetime | UnsetType | None = UNSET,
        tied_to: Principal | None = None,
        roles: Sequence[str] | None = None,
    ) -> Issued:
        """A new token of a principal, which is stored as a hash and shown only once.

        `expires_at`: None for never, after the time in the limits unless given; `tied_to`: a caller
        with whose cookie or token it ends; `roles`: the only ones that the principal may have.
        Raises NotFound, InvalidField, TooManyTokens, or StoreDown.
        """
        require_text(name)
        require_label(label)
        token, token_hash = new_token()
        now = datetime.now(UTC)
        tied = tied_to or Principal(name, ())
        if expires_at is UNSET:
            expires_at = now + timedelta(seconds=self._limits.token_s)
        command = IssueToken(
            name=name,
            token_id=new_id(),
            issued_by=act.actor,
            issued_at=now,
            label=label,
            expires_at=_earlier(expires_at, tied.ends_at),
            sign_in=tied.sign_in,
            parent=tied.token_id,
            roles=roles,
            most=self._limits.tokens,
        )
        done = await self._register.carry_out(command, act, Secret(value=token_hash))
        if done.replayed:
            raise ShownOnce
        return Issued(IssuedToken.of(command, token), done)

    async def issue_by(
        self,
        by: Principal,
        name: str,
        act: Act,
        *,
        label: str = "",
        expires_at: datetime | UnsetType | None = UNSET,
        is_independent: bool = False,
    ) -> Issued:
        """A new token at the request of another principal, or the principal itself.

        It ends with the cookie or token that `by` calls with, unless it is independent. Raises as
        `issue` does, and Forbidden if it would give `by` more power.
        """
        found = await self._people.find(name)
        by.require_power_over(found.info.roles)
        return await self.issue(
            name,
            act,
            label=label,
            expires_at=expires_at,
            tied_to=None if is_independent else by,
            roles=found.info.roles,  # others may have been added since
        )

    async def revoke(self, token_id: str, act: Act, by: Principal | None = None) -> Registered:
        """End a token; its principal after it.

        Raises NotFound, StoreDown, or Forbidden if `by` has no power over that principal.
        """
        try:
            wanted = UUID(token_id)
        except ValueError:
            raise NotFound("Token", token_id) from None
        rows = await self._store.ask(SQL["token"], wanted)
        if not rows:
            raise NotFound("Token", token_id)
        name: str = rows[0]["principal"]
        if by is not None:
            by.require_power_over((await self._people.find(name)).info.roles)
        return await self._register.carry_out(RevokeToken(name=name, token_id=str(wanted)), act)

    async def revoke_own(self, by: Principal, token_id: str, act: Act) -> Registered:
        """End a token of `by` itself. Raises NotFound for another's as for an unknown one."""
        command = RevokeToken(name=by.name, token_id=token_id.lower())
        return await self._register.carry_out(command, act)

    async def all(self, name: str | None = None) -> list[TokenInfo]:
        """The tokens that have not ended, of one principal or all. Raises NotFound, StoreDown."""
        if name is not None:
            await self._people.find(name)
        rows = await self._store.ask(SQL["tokens"], name)
        return [
            TokenInfo(
                id=str(row["id"]),
                principal=row["principal"],
                label=row["label"],
                issued_by=row["issued_by"],
                issued_at=row["issued_at"],
                expires_at=row["expires_at"],
                last_used_at=row["last_used_at"],
            )
            for row in rows
        ]


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier end of two; None: never."""
    if one is None or other is None:
        return one or other
    return min(one, other)
