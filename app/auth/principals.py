"""Principals as the service meets them: who calls, by which means, with which rights."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime

import asyncpg
import msgspec
from msgspec import Struct

from app.auth.roles import (
    ADMIN,
    ADMINISTRATORS,
    AGENT,
    CUSTOMER,
    DATA_PROTECTION,
    MANAGER,
    ONLOOKERS,
    SYSTEM_ADMINISTRATOR,
)

WRONG = "Invalid Username or Password"
"""The same message for a wrong password and for an unknown name."""

_CHANGE_NOTHING = ONLOOKERS | {DATA_PROTECTION}
_NO_AGENTS = _CHANGE_NOTHING | {CUSTOMER}
_BELOW_MANAGER = frozenset({CUSTOMER, AGENT})


class Unauthenticated(Exception):
    """No credentials, or wrong ones."""

    def __init__(self, message: str, *, reason: str = "", name: str | None = None) -> None:
        """`reason`: a stable word for the log, empty without credentials; `name`: as given."""
        self.reason = reason
        self.name = name
        super().__init__(message)


class Forbidden(Exception):
    """The principal may not do this, mostly because a role is missing."""

    def __init__(self, role: str = "", *, message: str = "") -> None:
        """`role`: one that would suffice; else `message`: names what would suffice."""
        super().__init__(message or f"{role} Role Required")


class OwnPasswordFirst(Forbidden):
    """The principal has to change a password that somebody else made, before anything else."""

    def __init__(self) -> None:
        """The message says how."""
        super().__init__(message="Change Your Password First: POST /auth/password")


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
    acts_for: str | None = None
    """The same, if it is not the principal itself: who may be the one that acts."""
    sign_in: str | None = None
    """Of the cookie that it calls with, or with which its token ends."""
    ends_at: datetime | None = None
    """When that cookie or token ends; None: never, or there is none."""
    must_change_password: bool = False
    """Whether it may do nothing before that."""

    @property
    def is_administrator(self) -> bool:
        """Whether the principal sees everything."""
        return not ADMINISTRATORS.isdisjoint(self.roles)

    def require(self, *roles: str) -> None:
        """Raise Forbidden unless the principal has one of the roles, if any are named, or Admin."""
        if roles and ADMIN not in self.roles and frozenset(roles).isdisjoint(self.roles):
            raise Forbidden(roles[0])

    def require_own_password(self) -> None:
        """Raise Forbidden as long as the password is one that somebody else made."""
        if self.must_change_password:
            raise OwnPasswordFirst

    @property
    def is_onlooker(self) -> bool:
        """Whether the principal may change no session."""
        return _CHANGE_NOTHING.issuperset(self.roles)

    @property
    def takes_chats(self) -> bool:
        """Whether the principal can receive chats: has a role beside onlooker or customer."""
        return not _NO_AGENTS.issuperset(self.roles)

    def require_reader(self) -> None:
        """Raise Forbidden if the principal may not even read sessions.

        Who protects data finds and erases it, and sees it by a reason that is on record.
        """
        if self.roles == (DATA_PROTECTION,):
            raise Forbidden(message="A Role Beside DataProtection Required")

    def require_writer(self) -> None:
        """Raise Forbidden if the principal may change no session."""
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
        raise Unauthenticated(WRONG, reason="malformed") from None
    name, _, password = pair.partition(":")
    return name, password


def principal_of(
    row: asyncpg.Record,
    *,
    auth: str = "",
    token_id: str | None = None,
    issued_by: str | None = None,
    sign_in: str | None = None,
    ends_at: datetime | None = None,
) -> Principal:
    """The principal of a row of the functions `credential_of_*`, and the means it calls by."""
    return Principal(
        row["name"],
        msgspec.json.decode(row["roles"], type=tuple[str, ...]),
        row["associate_id"],
        auth=auth,
        token_id=token_id,
        issued_by=issued_by,
        acts_for=None if issued_by == row["name"] else issued_by,
        sign_in=sign_in,
        ends_at=ends_at,
        must_change_password=row["must_change_password"],
    )
