"""The state of a principal, and the step from one event to the next."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain.principal.events import (
    OperationForbidden,
    PasswordChanged,
    PrincipalAdded,
    PrincipalDisabled,
    PrincipalEnabled,
    PrincipalEvent,
    PrincipalRemoved,
    RolesChanged,
    SignedIn,
    SignedOut,
    SignInRefused,
    Throttled,
    TokenIssued,
    TokenRevoked,
)

STRANGERS = ""
"""The name of a stream for refused callers whose names belong to no principal."""


class PrincipalState(StrEnum):
    """Whether a principal may call."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"
    """For good: a name in the log stays the name of one principal."""


class Token(Struct, frozen=True, kw_only=True):
    """A token that was not revoked; it may have expired."""

    token_id: str
    label: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime | None
    sign_in: str | None
    parent: str | None


class PrincipalInfo(Struct, frozen=True, kw_only=True):
    """The state of a principal, folded from its events; of strangers, only the refusals count."""

    name: str
    roles: tuple[str, ...] = ()
    state: PrincipalState = PrincipalState.ACTIVE
    associate_id: int = 0
    has_password: bool = False
    must_change_password: bool = False
    tokens: tuple[Token, ...] = ()
    refused: int = 0
    """Refusals so far, of all kinds."""


def evolve(state: PrincipalInfo | None, event: PrincipalEvent) -> PrincipalInfo:
    """The principal after one more event."""
    match event:
        case PrincipalAdded():
            return PrincipalInfo(
                name=event.name,
                roles=event.roles,
                associate_id=event.associate_id,
                has_password=event.has_password,
                must_change_password=event.must_change_password,
            )
        case SignInRefused(count=count) | Throttled(count=count) | OperationForbidden(count=count):
            # Strangers have no first event of their own: theirs begin with a refusal.
            known = PrincipalInfo(name=STRANGERS) if state is None else state
            return replace(known, refused=known.refused + count)
        case _:
            assert state is not None  # versions have no gaps, so the added event comes first
            return _evolved(state, event)


_Changed = (
    RolesChanged | PasswordChanged | PrincipalDisabled | PrincipalEnabled | PrincipalRemoved
    | TokenIssued | TokenRevoked | SignedIn | SignedOut
)  # fmt: skip


def _evolved(state: PrincipalInfo, event: _Changed) -> PrincipalInfo:
    match event:
        case RolesChanged(roles=roles):
            return replace(state, roles=roles)
        case PasswordChanged(must_change_password=must_change):
            return replace(state, has_password=True, must_change_password=must_change, tokens=())
        case PrincipalDisabled():
            return replace(state, state=PrincipalState.DISABLED, tokens=())
        case PrincipalEnabled():
            return replace(state, state=PrincipalState.ACTIVE)
        case PrincipalRemoved():
            return replace(state, state=PrincipalState.REMOVED, tokens=())
        case TokenIssued():
            return replace(
                state, tokens=(*lasting(state.tokens, event.issued_at), _token_of(event))
            )
        case TokenRevoked(token_id=token_id):
            return replace(state, tokens=_without(state.tokens, token_id=token_id))
        case SignedOut(sign_in=None):
            return replace(state, tokens=())
        case SignedOut(sign_in=sign_in):
            return replace(state, tokens=tuple(t for t in state.tokens if t.sign_in != sign_in))
        case SignedIn():
            return state
        case _:
            assert_never(event)


def _token_of(event: TokenIssued) -> Token:
    return Token(
        token_id=event.token_id,
        label=event.label,
        issued_by=event.issued_by,
        issued_at=event.issued_at,
        expires_at=event.expires_at,
        sign_in=event.sign_in,
        parent=event.parent,
    )


def _without(tokens: Sequence[Token], token_id: str) -> tuple[Token, ...]:
    """The tokens without one, and without those that end with it."""
    gone = {token_id}
    for token in tokens:  # in the order of their issue: a parent comes first
        if token.parent in gone:
            gone.add(token.token_id)
    return tuple(token for token in tokens if token.token_id not in gone)


def lasting(tokens: Sequence[Token], at: datetime) -> tuple[Token, ...]:
    """The tokens that have not expired at a time."""
    return tuple(token for token in tokens if token.expires_at is None or token.expires_at > at)
