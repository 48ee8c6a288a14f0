"""The events of principals. No secret is in any of them, not even its hash."""

from datetime import datetime
from typing import ClassVar

from domain.event import Event


class PrincipalAdded(Event, frozen=True, kw_only=True):
    """A principal was added."""

    topic: ClassVar[str] = "principal.added.v1"

    name: str
    roles: tuple[str, ...]
    associate_id: int
    """The number by which the API knows a principal as an agent."""
    has_password: bool
    must_change_password: bool


class RolesChanged(Event, frozen=True, kw_only=True):
    """A principal got other roles."""

    topic: ClassVar[str] = "principal.roles_changed.v1"

    roles: tuple[str, ...]


class PasswordChanged(Event, frozen=True, kw_only=True):
    """A principal got another password."""

    topic: ClassVar[str] = "principal.password_changed.v1"

    must_change_password: bool


class PrincipalDisabled(Event, frozen=True, kw_only=True):
    """A principal was shut out."""

    topic: ClassVar[str] = "principal.disabled.v1"


class PrincipalEnabled(Event, frozen=True, kw_only=True):
    """A principal was let in again."""

    topic: ClassVar[str] = "principal.enabled.v1"


class PrincipalRemoved(Event, frozen=True, kw_only=True):
    """A principal was shut out for good."""

    topic: ClassVar[str] = "principal.removed.v1"


class TokenIssued(Event, frozen=True, kw_only=True):
    """A principal got a token."""

    topic: ClassVar[str] = "principal.token_issued.v1"

    token_id: str
    label: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime | None
    sign_in: str | None
    """The sign-in that it ends with."""
    parent: str | None
    """The token that it ends with."""


class TokenRevoked(Event, frozen=True, kw_only=True):
    """A token was ended."""

    topic: ClassVar[str] = "principal.token_revoked.v1"

    token_id: str


class SignedIn(Event, frozen=True, kw_only=True):
    """A principal signed in with its password."""

    topic: ClassVar[str] = "principal.signed_in.v1"

    sign_in: str
    permanent: bool
    expires_at: datetime


class SignedOut(Event, frozen=True, kw_only=True):
    """A sign-in was ended; all sign-ins and tokens, if none is named."""

    topic: ClassVar[str] = "principal.signed_out.v1"

    sign_in: str | None


class SignInRefused(Event, frozen=True, kw_only=True):
    """Credentials were refused."""

    topic: ClassVar[str] = "principal.sign_in_refused.v1"
    origins: ClassVar[frozenset[str]] = frozenset({"address"})

    address: str | None
    count: int
    reason: str
    """Of the last one."""
    name_hash: str | None = None
    """Keyed hash of a name that belongs to nobody: it may be a mistyped password."""


class Throttled(Event, frozen=True, kw_only=True):
    """Credentials were not looked at, because too many before were wrong."""

    topic: ClassVar[str] = "principal.throttled.v1"
    origins: ClassVar[frozenset[str]] = frozenset({"address"})

    address: str | None
    count: int
    name_hash: str | None = None


class OperationForbidden(Event, frozen=True, kw_only=True):
    """A principal called what it may not."""

    topic: ClassVar[str] = "principal.forbidden.v1"
    origins: ClassVar[frozenset[str]] = frozenset({"address"})

    address: str | None
    count: int
    operations: tuple[str, ...]
    """The first few of them, by name."""


RefusalEvent = SignInRefused | Throttled | OperationForbidden
PrincipalEvent = (
    PrincipalAdded
    | RolesChanged
    | PasswordChanged
    | PrincipalDisabled
    | PrincipalEnabled
    | PrincipalRemoved
    | TokenIssued
    | TokenRevoked
    | SignedIn
    | SignedOut
    | RefusalEvent
)
