"""The table of operations: request, verb, paths, answer and required roles of each one."""

from typing import Any

from msgspec import Struct

from app.auth.roles import MANAGER, ONLOOKERS, SYSTEM_ADMINISTRATOR
from app.codecs.dto import Dto
from app.faces.evo.wire import requests as r
from app.faces.evo.wire import user_requests as u
from app.faces.evo.wire.dto import (
    AccountInfo,
    AISessionInfo,
    AuthenticateResponse,
    AuthTokenInfo,
    ListResponse,
    UserInfo,
)
from app.faces.evo.wire.user_dto import (
    NewTokenInfo,
    SignInList,
    TokenList,
    UserDetails,
    UserList,
)


class EvoDescription(Struct, frozen=True, kw_only=True):
    """One operation as the documents describe it; its summary is the request's docstring."""

    request: type[Dto]
    verb: str
    also: tuple[str, ...] = ()
    """Other verbs with the same effect."""
    paths: tuple[str, ...]
    """Templates; a parameter has the wire name of its member."""
    response: Any = None
    """A DTO, or a `ListResponse` of one; None: 204 without a body."""
    roles: tuple[str, ...] = ()
    """One of these roles is required, as documented; empty: any principal may call."""
    readers: tuple[str, ...] = ()
    """Further roles that may call it, of which the documents do not know."""
    anonymous: bool = False
    makes: bool = False
    """Whether it creates something, whatever its verb says."""
    alone: bool = False
    """Whether it takes no batches: a part of one that goes on failing would lock people out."""
    past: bool = False
    """Whether it can be asked for a past moment."""
    first: bool = False
    """Whether it may be called before the password is changed that somebody else made."""

    @property
    def is_safe(self) -> bool:
        """Whether it changes nothing."""
        return self.verb == "GET" and not self.makes

    @property
    def name(self) -> str:
        """The name in `/api/{Request}`."""
        return self.request.__name__

    @property
    def summary(self) -> str:
        """One line."""
        return (self.request.__doc__ or "").strip().splitlines()[0].rstrip(".")


_ADMINISTRATOR = (SYSTEM_ADMINISTRATOR,)

_SESSION = "/ai/sessions/{sessionId}"
_ACTIONS = f"{_SESSION}/actions"
_ACTION = f"{_ACTIONS}/{{actionId}}"
_ACCOUNT = "/accounts/{accountId}"
_USER = "/users/{name}"


def _by_administrators(
    request: type[Dto], verb: str, path: str, response: object = AISessionInfo
) -> EvoDescription:
    return EvoDescription(
        request=request, verb=verb, paths=(path,), response=response, roles=_ADMINISTRATOR
    )


def _for_onlookers(request: type[Dto], path: str, response: object) -> EvoDescription:
    return EvoDescription(
        request=request,
        verb="GET",
        paths=(path,),
        response=response,
        roles=_ADMINISTRATOR,
        readers=tuple(sorted(ONLOOKERS)),
        past=True,
    )


def _of_users(
    request: type[Dto], verb: str, path: str, response: object = UserDetails
) -> EvoDescription:
    return EvoDescription(
        request=request,
        verb=verb,
        paths=(path,),
        response=response,
        roles=_ADMINISTRATOR,
        alone=True,
    )


def _by_everybody(
    request: type[Dto], verb: str, path: str, response: object = None
) -> EvoDescription:
    """One that a principal carries out on what is its own."""
    return EvoDescription(
        request=request, verb=verb, paths=(path,), response=response, alone=verb != "GET"
    )


API: tuple[EvoDescription, ...] = (
    _by_administrators(r.NewAISession, "POST", "/ai/sessions"),
    _for_onlookers(r.ListAISessions, "/ai/sessions", ListResponse[AISessionInfo]),
    _for_onlookers(r.GetAISession, _SESSION, AISessionInfo),
    _by_administrators(r.PatchAISession, "PATCH", _SESSION),
    _by_administrators(r.DeleteAISession, "DELETE", _SESSION, None),
    _by_administrators(r.NewAISessionAction, "POST", _ACTIONS),
    _by_administrators(r.ApplyAISession, "POST", f"{_SESSION}/apply"),
    _by_administrators(r.ClearAISessionActions, "DELETE", _ACTIONS),
    _by_administrators(r.DeleteAISessionAction, "DELETE", _ACTION),
    _by_administrators(r.NewAccount, "POST", "/accounts", AccountInfo),
    _by_administrators(r.PatchAccount, "PATCH", _ACCOUNT, AccountInfo),
    EvoDescription(
        request=r.ListAccounts,
        verb="GET",
        paths=("/accounts",),
        response=ListResponse[AccountInfo],
        past=True,
    ),
    EvoDescription(
        request=r.GetAccount, verb="GET", paths=(_ACCOUNT,), response=AccountInfo, past=True
    ),
    EvoDescription(
        request=r.Authenticate,
        verb="POST",
        also=("GET",),
        paths=("/auth", "/auth/{provider}", "/authenticate", "/authenticate/{provider}"),
        response=AuthenticateResponse,
        anonymous=True,
    ),
    EvoDescription(
        request=r.GetAuthStatus,
        verb="GET",
        paths=("/auth/status",),
        response=UserInfo,
        anonymous=True,
    ),
    EvoDescription(
        request=u.ChangePassword, verb="POST", paths=("/auth/password",), first=True, alone=True
    ),
    EvoDescription(
        request=u.RequestAuthToken,
        verb="GET",
        also=("POST",),
        paths=("/auth/token",),
        response=AuthTokenInfo,
        roles=(SYSTEM_ADMINISTRATOR, MANAGER),
        makes=True,
    ),
    _by_everybody(u.ListSignIns, "GET", "/auth/sign-ins", SignInList),
    _by_everybody(u.EndSignIns, "DELETE", "/auth/sign-ins"),
    _by_everybody(u.EndSignIn, "DELETE", "/auth/sign-ins/{signInId}"),
    _by_everybody(u.ListOwnTokens, "GET", "/auth/tokens", TokenList),
    _by_everybody(u.RevokeOwnToken, "DELETE", "/auth/tokens/{tokenId}"),
    _by_administrators(u.ListUsers, "GET", "/users", UserList),
    _by_administrators(u.GetUser, "GET", _USER, UserDetails),
    _of_users(u.NewUser, "POST", "/users"),
    _of_users(u.SetUserRoles, "PUT", f"{_USER}/roles"),
    _of_users(u.SetUserPassword, "PUT", f"{_USER}/password"),
    _of_users(u.DisableUser, "POST", f"{_USER}/disable"),
    _of_users(u.EnableUser, "POST", f"{_USER}/enable"),
    _of_users(u.SignOutUser, "POST", f"{_USER}/sign-out"),
    _of_users(u.RemoveUser, "DELETE", _USER),
    _by_administrators(u.ListTokens, "GET", "/tokens", TokenList),
    _of_users(u.NewToken, "POST", "/tokens", NewTokenInfo),
    _of_users(u.RevokeToken, "DELETE", "/tokens/{tokenId}", None),
)
