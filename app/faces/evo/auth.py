"""Sign-in, sign-out and the caller's identity in the ServiceStack-style face.

A sign-in from another origin's page is refused: a stranger could use it to make a victim work in
the stranger's account. A sign-out is allowed: it must work as a link, and a hostile page can at
worst force a new sign-in.
"""

import re
from collections.abc import Mapping, Sequence

from msgspec import UNSET

from app.auth.principals import Principal, Unauthenticated, name_and_password
from app.auth.roles import MANAGER
from app.codecs.dto import Dto
from app.codecs.json_text import BadInput
from app.faces.evo.operations import Asked, Read, Result, required
from app.faces.evo.proof import refuse_secrets_in_address
from app.faces.evo.wire import requests as r
from app.faces.evo.wire.dto import AuthenticateResponse, UserInfo
from app.http import origin
from app.http.identify import (
    AuthPolicy,
    identify,
    refuse_foreign,
    session,
    session_id,
)
from app.http.sign_in import no_cookies, sign_in, sign_out, signed_in_cookies
from domain.account import Account
from domain.errors import NotFound

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
MAX_ACCOUNTS = 1_000
"""Accounts that an answer names, the oldest ones; `GET /accounts` lists all."""

POLICY = AuthPolicy()
"""Basic, Bearer, and the cookies of a sign-in."""


async def _authenticate(asked: Asked, request: r.Authenticate) -> Result:
    """`/auth[/{provider}]`: sign in or out; without provider and credentials, name the caller."""
    match (request.provider or "").lower():
        case "logout":
            return await _sign_out(asked)
        case "credentials":
            return await _sign_in(asked, request)
        case "basic":
            return await _sign_in(asked, request, by_header=True)
        case "" if request.user_name or request.password:
            return await _sign_in(asked, request)
        case "":
            return await _who_is_there(asked)
        case _:
            raise NotFound("Authentication provider", request.provider)


async def _sign_in(asked: Asked, request: r.Authenticate, *, by_header: bool = False) -> Result:
    """A session for a verified user, by the credentials of the DTO or the Authorization header."""
    if origin.is_safe(asked.http.method):
        # A link that signs in would leave the password in histories and logs.
        raise BadInput("Sign in with POST", field="provider")
    refuse_foreign(asked.http, asked.service.settings.allowed_origins)
    if by_header:
        name, password = name_and_password(asked.http.headers.get(b"authorization", b""))
    else:
        refuse_secrets_in_address(asked)
        name = required("userName", request.user_name)
        password = required("password", request.password)
    permanent = request.remember_me is True
    provider = "basic" if by_header else "credentials"
    token, login = await sign_in(
        asked.http, asked.service, name, password, permanent=permanent, by=provider
    )
    user = _user(login.principal, session_id(token), provider)
    made = signed_in_cookies(asked.http, asked.service, token, permanent=permanent)
    return Result(user, made)


async def _who_is_there(asked: Asked) -> Result:
    """The caller, with the session if any; an Authorization header implies none."""
    principal = await identify(asked.http, POLICY, asked.service)
    by_header = b"authorization" in asked.http.headers
    signed_in = None if by_header else await session(asked.http, asked.service)
    return Result(_user(principal, None if signed_in is None else session_id(signed_in[0])))


async def _sign_out(asked: Asked) -> Result:
    await sign_out(asked.http, asked.service)
    return Result(AuthenticateResponse(roles=[], permissions=[]), no_cookies(asked.http))


async def _get_auth_status(asked: Asked, _: r.GetAuthStatus) -> Result:
    """`/auth/status`: refuses wrong credentials; an ended session counts as not signed in."""
    try:
        principal = await identify(asked.http, POLICY, asked.service, is_safe=True)
    except Unauthenticated:
        if b"authorization" in asked.http.headers:
            raise
        nobody = UserInfo(is_authenticated=False, roles=[], account_ids=[], account_names=[])
        return Result(nobody)
    accounts: list[Account] = []
    if principal.is_administrator:
        from app.faces.evo import list_query  # imports SQLAlchemy: see Views.page

        wanted = list_query.AccountsQuery(count_per_page=MAX_ACCOUNTS, simplified=True)
        async with asked.service.list_places.of(principal.name):
            listed = await list_query.list_accounts(asked.service.views, wanted, asked.budget)
        accounts = [row.folded.state for row in listed.items]
    return Result(_user_info(principal, accounts))


HANDLERS: Mapping[type[Dto], Read] = {
    r.Authenticate: Read(_authenticate),
    r.GetAuthStatus: Read(_get_auth_status),
}


def _user_info(principal: Principal, accounts: Sequence[Account]) -> UserInfo:
    return UserInfo(
        id=principal.name,
        is_authenticated=True,
        name=principal.name,
        email_address=principal.name if _EMAIL.fullmatch(principal.name) else UNSET,
        roles=list(principal.roles),
        account_ids=[account.account_id for account in accounts],
        account_names=[account.name for account in accounts],
        manager_access=principal.is_administrator or MANAGER in principal.roles,
        dashboard_permissions=[],
    )


def _user(
    principal: Principal, session: str | None, provider: str | None = None
) -> AuthenticateResponse:
    return AuthenticateResponse(
        user_id=principal.name,
        session_id=session,
        user_name=principal.name,
        display_name=principal.name,
        roles=list(principal.roles),
        permissions=[],
        auth_provider=provider,
    )
