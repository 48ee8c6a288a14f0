"""The commands on principals. What secrets come with them is kept beside the log."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from domain.principal.events import RefusalEvent


class AddPrincipal(Struct, frozen=True, kw_only=True):
    """Add a principal."""

    name: str
    roles: Sequence[str]
    associate_id: int
    has_password: bool = True
    """Without one, it calls with tokens only."""
    must_change_password: bool = False


class ChangeRoles(Struct, frozen=True, kw_only=True):
    """Give a principal these roles in place of its own."""

    name: str
    roles: Sequence[str]


class ChangePassword(Struct, frozen=True, kw_only=True):
    """Give a principal another password; its sign-ins and tokens end."""

    name: str
    must_change_password: bool = False


class DisablePrincipal(Struct, frozen=True, kw_only=True):
    """Shut a principal out until it is enabled; its sign-ins and tokens end."""

    name: str


class EnablePrincipal(Struct, frozen=True, kw_only=True):
    """Let a disabled principal in again, with its password or new tokens."""

    name: str


class RemovePrincipal(Struct, frozen=True, kw_only=True):
    """Shut a principal out for good."""

    name: str


class IssueToken(Struct, frozen=True, kw_only=True):
    """Give a principal one more token."""

    name: str
    token_id: str
    issued_by: str
    issued_at: datetime
    label: str = ""
    expires_at: datetime | None = None
    """None: never."""
    sign_in: str | None = None
    """The sign-in that the token ends with; None: it ends without one."""
    parent: str | None = None
    """The token that it ends with."""
    roles: Sequence[str] | None = None
    """The only roles that the principal may have; None: any."""
    most: int
    """Limit of tokens that have not ended."""


class RevokeToken(Struct, frozen=True, kw_only=True):
    """End one token."""

    name: str
    token_id: str


class SignIn(Struct, frozen=True, kw_only=True):
    """Open a sign-in."""

    name: str
    sign_in: str
    permanent: bool
    expires_at: datetime


class SignOut(Struct, frozen=True, kw_only=True):
    """End a sign-in and the tokens that end with it; all sign-ins and all tokens if None."""

    name: str
    sign_in: str | None = None


class RecordRefusals(Struct, frozen=True, kw_only=True):
    """Record what a principal, or a stranger, was refused."""

    name: str
    refusals: Sequence[RefusalEvent]


Command = (
    AddPrincipal
    | ChangeRoles
    | ChangePassword
    | DisablePrincipal
    | EnablePrincipal
    | RemovePrincipal
    | IssueToken
    | RevokeToken
    | SignIn
    | SignOut
    | RecordRefusals
)
