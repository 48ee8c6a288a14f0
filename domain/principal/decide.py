"""What a command on a principal adds to its stream, or why it is refused."""

from collections.abc import Sequence
from typing import assert_never

from domain.errors import AlreadyExists, InvalidField, NotFound
from domain.limits import PRINCIPAL_NAME_LENGTH, TOKEN_LABEL_LENGTH
from domain.principal.commands import (
    AddPrincipal,
    ChangePassword,
    ChangeRoles,
    Command,
    DisablePrincipal,
    EnablePrincipal,
    IssueToken,
    RecordRefusals,
    RemovePrincipal,
    RevokeToken,
    SignIn,
    SignOut,
)
from domain.principal.events import (
    PasswordChanged,
    PrincipalAdded,
    PrincipalDisabled,
    PrincipalEnabled,
    PrincipalEvent,
    PrincipalRemoved,
    RolesChanged,
    SignedIn,
    SignedOut,
    TokenIssued,
    TokenRevoked,
)
from domain.principal.state import STRANGERS, PrincipalInfo, PrincipalState, lasting


class TooManyTokens(InvalidField):
    """A principal has as many tokens as one may have."""

    def __init__(self, most: int) -> None:
        """`most`: the limit."""
        super().__init__("Tokens", f"A user has at most {most} tokens: revoke one first")


def decide(command: Command, state: PrincipalInfo | None) -> Sequence[PrincipalEvent]:
    """The events that a command adds; none when nothing changes.

    Raises AlreadyExists for a taken name, InvalidField for a name that nobody could give or for a
    token too many, NotFound for an unknown principal or token, or a removed principal.
    """
    match command:
        case RecordRefusals(refusals=refusals):
            return refusals
        case AddPrincipal(name=name):
            if state is not None:
                raise AlreadyExists("User", name)
            require_name(name)
            return [
                PrincipalAdded(
                    name=name,
                    roles=tuple(dict.fromkeys(command.roles)),
                    associate_id=command.associate_id,
                    has_password=command.has_password,
                    must_change_password=command.must_change_password,
                )
            ]
        case _:
            if state is None or state.state is PrincipalState.REMOVED or state.name == STRANGERS:
                raise NotFound("User", command.name)
            return _change(command, state)


_Change = (
    ChangeRoles | ChangePassword | DisablePrincipal | EnablePrincipal | RemovePrincipal
    | IssueToken | RevokeToken | SignIn | SignOut
)  # fmt: skip


def _change(command: _Change, state: PrincipalInfo) -> Sequence[PrincipalEvent]:
    match command:
        case ChangeRoles(roles=given):
            roles = tuple(dict.fromkeys(given))
            return [] if set(roles) == set(state.roles) else [RolesChanged(roles=roles)]
        case ChangePassword(must_change_password=must_change):
            return [PasswordChanged(must_change_password=must_change)]
        case DisablePrincipal():
            return [] if state.state is PrincipalState.DISABLED else [PrincipalDisabled()]
        case EnablePrincipal():
            return [] if state.state is PrincipalState.ACTIVE else [PrincipalEnabled()]
        case RemovePrincipal():
            return [PrincipalRemoved()]
        case RevokeToken(token_id=token_id):
            if all(token.token_id != token_id for token in state.tokens):
                raise NotFound("Token", token_id)
            return [TokenRevoked(token_id=token_id)]
        case SignOut(sign_in=sign_in):
            return [SignedOut(sign_in=sign_in)]
        case IssueToken() | SignIn():
            if state.state is not PrincipalState.ACTIVE:
                raise InvalidField("Name", f"The user {state.name} is {state.state}")
            return _open(command, state)
        case _:
            assert_never(command)


def _open(command: IssueToken | SignIn, state: PrincipalInfo) -> Sequence[PrincipalEvent]:
    if isinstance(command, SignIn):
        return [
            SignedIn(
                sign_in=command.sign_in,
                permanent=command.permanent,
                expires_at=command.expires_at,
            )
        ]
    require_label(command.label)
    if command.roles is not None and set(command.roles) != set(state.roles):
        raise NotFound("User", state.name)  # not the one that was looked at
    if len(lasting(state.tokens, command.issued_at)) >= command.most:
        raise TooManyTokens(command.most)
    return [
        TokenIssued(
            token_id=command.token_id,
            label=command.label,
            issued_by=command.issued_by,
            issued_at=command.issued_at,
            expires_at=command.expires_at,
            sign_in=command.sign_in,
            parent=command.parent,
        )
    ]


def require_name(name: str) -> None:
    """Raise InvalidField for a name that nobody could give."""
    # In Basic credentials, a colon ends the name.
    if not name or ":" in name or not name.isprintable():
        raise InvalidField(
            "Name", "A name has at least one character, no colon and nothing unprintable"
        )
    if len(name) > PRINCIPAL_NAME_LENGTH:
        raise InvalidField("Name", f"A name has at most {PRINCIPAL_NAME_LENGTH} characters")
    if name != name.strip():
        raise InvalidField("Name", "A name neither begins nor ends with a blank")


def require_label(label: str) -> None:
    """Raise InvalidField for a label of a token that no list could show."""
    if len(label) > TOKEN_LABEL_LENGTH or not label.isprintable():
        raise InvalidField(
            "Label",
            f"A label has at most {TOKEN_LABEL_LENGTH} characters, and nothing unprintable",
        )
