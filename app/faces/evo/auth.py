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
from app.faces.evo.proof import metadata, refuse_secrets_in_address, report
from app.faces.evo.wire import requests as r
from app.faces.evo.wire.dto import AuthenticateResponse, UserInfo
from app.http import cookies, origin
from app.http.identify import (
    OPTIONS,
    PERMANENT,
    SESSION,
    XSRF,
    AuthPolicy,
    identify,
    refuse_foreign,
    session,
    session_id,
    tokens,
    xsrf_token,
)
from app.http.request import Headers
from app.telemetry.security import Happening
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
    logins = asked.service.logins
    provider = "basic" if by_header else "credentials"
    facts = metadata(asked, provider)
    token, login = await logins.sign_in(
        name, password, asked.http.client, permanent=permanent, metadata=facts
    )
    report(asked, Happening.SIGNED_IN, login.principal)
    # The browser's former session ends, so that anybody who knows it loses access.
    for principal in await logins.sign_out(tokens(asked.http), metadata(asked)):
        report(asked, Happening.SIGNED_OUT, principal)
    user = _user(login.principal, session_id(token), provider)
    return Result(user, _signed_in(asked, token, permanent=permanent))


async def _who_is_there(asked: Asked) -> Result:
    """The caller, with the session if any; an Authorization header implies none."""
    principal = await identify(asked.http, POLICY, asked.service)
    by_header = b"authorization" in asked.http.headers
    signed_in = None if by_header else await session(asked.http, asked.service)
    return Result(_user(principal, None if signed_in is None else session_id(signed_in[0])))


async def _sign_out(asked: Asked) -> Result:
    for principal in await asked.service.logins.sign_out(tokens(asked.http), metadata(asked)):
        report(asked, Happening.SIGNED_OUT, principal)
    return Result(AuthenticateResponse(roles=[], permissions=[]), no_cookies(asked))


def no_cookies(asked: Asked) -> Headers:
    """Headers that remove all cookies of a sign-in, and what the browser keeps of its answers."""
    secure = _is_secure(asked)
    gone = [
        cookies.write(name, "", max_age_s=0, secure=secure)
        for name in (SESSION, PERMANENT, OPTIONS, XSRF)
    ]
    return [*gone, (b"clear-site-data", b'"cache", "storage"')]


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


def _signed_in(asked: Asked, token: str, *, permanent: bool) -> Headers:
    """The cookies of a session; a temporary session also removes a permanent one's cookie."""
    secure = _is_secure(asked)
    settings = asked.service.settings
    session_s = settings.login_s if permanent else None
    permanent_s = settings.permanent_login_s if permanent else None
    headers = [cookies.write(SESSION, token, max_age_s=session_s, secure=secure)]
    if permanent:
        headers.append(cookies.write(PERMANENT, token, max_age_s=permanent_s, secure=secure))
    elif PERMANENT in cookies.read(asked.http.headers.get(b"cookie")):
        headers.append(cookies.write(PERMANENT, "", max_age_s=0, secure=secure))
    kind = "perm" if permanent else "temp"
    xsrf = xsrf_token(token)
    return [
        *headers,
        cookies.write(OPTIONS, kind, max_age_s=permanent_s, secure=secure),
        cookies.write(XSRF, xsrf, max_age_s=permanent_s, secure=secure, for_scripts=True),
    ]


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


def _is_secure(asked: Asked) -> bool:
    return asked.http.scheme == "https"
