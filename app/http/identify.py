"""Identifies a request's sender: by its Authorization header, else by the cookies of a sign-in.

Browsers also add cookies, and typed-in passwords of Basic, to requests of strangers' pages. So a
request with these is refused if it could change something and comes from another origin's page.
The exception is a request that repeats a cookie in a header, which no such page can do.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from types import MappingProxyType

from msgspec import Struct

from app.auth.login_sessions import LoginSession
from app.auth.principals import Forbidden, Principal, Unauthenticated
from app.http import cookies, origin
from app.http.browser import wants_page
from app.http.reports import report_sign_in
from app.http.request import Request
from app.service import Service

SESSION = "ss-id"
PERMANENT = "ss-pid"
OPTIONS = "ss-opt"
XSRF = "XSRF-TOKEN"
"""A cookie that our own pages can read and send back as the header X-XSRF-TOKEN."""
_TOKEN = b"bearer"


class ForeignPage(Forbidden):
    """Another origin's page made the caller's browser send the request."""

    def __init__(self) -> None:
        """The message names the restriction."""
        super().__init__(message="Not from a page of another origin")


class AuthPolicy(Struct, frozen=True, kw_only=True):
    """The means by which a face admits callers, beside `Basic` and `Bearer`."""

    schemes: Mapping[bytes, bytes] = MappingProxyType({})
    """Aliases of these two, lower case."""
    needs_xsrf: bool = False
    """Whether cookies count only together with the header X-XSRF-TOKEN, or for a page to read."""


async def identify(
    request: Request,
    policy: AuthPolicy,
    service: Service,
    *,
    is_safe: bool = False,
    is_form: bool = False,
) -> Principal:
    """The caller; `is_safe` marks an operation that changes nothing, whatever the verb.

    `is_form` marks one that finds out by the secret in its form whether a page of ours sent it.

    Raises Unauthenticated, ForeignPage, Throttled, or StoreDown.
    """
    is_from_page = origin.is_from_page(request.headers)
    authorization = request.headers.get(b"authorization")
    if authorization is None:
        # (Pages of others cannot read what they make a browser show.)
        needs_xsrf = policy.needs_xsrf and not (is_safe and wants_page(request))
        principal = await _by_cookies(request, service, needs_xsrf=needs_xsrf)
        if policy.needs_xsrf:
            return principal
    else:
        scheme, blank, credentials = authorization.partition(b" ")
        known_as = policy.schemes.get(scheme.lower())
        if known_as is not None:
            scheme, authorization = known_as, known_as + blank + credentials
        principals, client = service.principals, request.client
        known = principals.known(authorization, client)
        principal = known or await principals.authenticate(authorization, client)
        if known is None and principals.is_news(authorization, client):
            report_sign_in(request, principal, service)
        if scheme.lower() == _TOKEN:
            return principal  # no browser adds a token by itself
    # An operation's route by name accepts other verbs than its own.
    if is_from_page and not is_form and not (is_safe and origin.is_safe(request.method)):
        refuse_foreign(request, service.settings.allowed_origins)
    return principal


async def _by_cookies(request: Request, service: Service, *, needs_xsrf: bool) -> Principal:
    found = await session(request, service)
    if found is None:
        reason = "cookie" if tokens(request) else ""
        raise Unauthenticated("Not Authenticated", reason=reason)
    token, login = found
    if needs_xsrf:
        given = request.headers.get(b"x-xsrf-token", b"")
        if not hmac.compare_digest(given, xsrf_token(token).encode()):
            raise Unauthenticated("X-XSRF-TOKEN has to repeat the cookie XSRF-TOKEN", reason="xsrf")
    return login.principal


async def session(request: Request, service: Service) -> tuple[str, LoginSession] | None:
    """The session that the client's cookies name, with its token; None without a session."""
    for token in tokens(request):
        found = await service.logins.session(token)
        if found is not None:
            return token, found
    return None


def tokens(request: Request) -> list[str]:
    """Tokens of the sessions that the client's cookies name, the temporary session's first."""
    header = request.headers.get(b"cookie")
    if header is None:
        return []
    sent = cookies.read(header)
    return list(dict.fromkeys(sent[name] for name in (SESSION, PERMANENT) if name in sent))


def xsrf_token(token: str) -> str:
    """A secret of a session that only our own pages know; it does not reveal the token."""
    return _derived(token, XSRF)


def session_id(token: str) -> str:
    """A session's name in answers: it grants no access and does not reveal the token.

    Scripts can read answers, but must not learn the values of HttpOnly cookies.
    """
    return _derived(token, SESSION)


def _derived(token: str, use: str) -> str:
    made = hmac.digest(token.encode(), use.encode(), "sha256")
    return urlsafe_b64encode(made).decode().rstrip("=")


def refuse_foreign(request: Request, allowed_origins: Collection[str]) -> None:
    """Raise ForeignPage for a request from a page of another origin."""
    if origin.is_foreign(request.headers, request.base_url, allowed_origins):
        raise ForeignPage
