"""Who sends a request: by its Authorization header, else by the cookies of a sign-in.

Browsers send cookies, and passwords of Basic that were typed in, along with what strangers' pages
ask for. So a request known by these is refused when it could change something and comes from
another origin's page; unless it repeats a cookie in a header, which no such page can.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from types import MappingProxyType

from msgspec import Struct

from app.auth.login_sessions import LoginSession
from app.auth.principals import Forbidden, Principal, Unauthenticated
from app.http import cookies, origin
from app.http.request import Request
from app.service import Service

SESSION = "ss-id"
PERMANENT = "ss-pid"
OPTIONS = "ss-opt"
XSRF = "XSRF-TOKEN"
"""A cookie that pages of ours can read, and send back as the header X-XSRF-TOKEN."""
_TOKEN = b"bearer"


class ForeignPage(Forbidden):
    """Another origin's page made the caller's browser send the request."""

    def __init__(self) -> None:
        """Says what would have sufficed."""
        super().__init__(message="Not from a page of another origin")


class AuthPolicy(Struct, frozen=True, kw_only=True):
    """By which means a face lets callers in, beside `Basic` and `Bearer`."""

    schemes: Mapping[bytes, bytes] = MappingProxyType({})
    """Other names of these two, lower case."""
    needs_xsrf: bool = False
    """Cookies count only together with the header X-XSRF-TOKEN."""


async def identify(
    request: Request, policy: AuthPolicy, service: Service, *, is_safe: bool = False
) -> Principal:
    """Who calls; `is_safe`: an operation that changes nothing, whatever the verb.

    Raises Unauthenticated, ForeignPage, Throttled, or StoreDown.
    """
    authorization = request.headers.get(b"authorization")
    if authorization is None:
        principal = await _by_cookies(request, policy, service)
        if policy.needs_xsrf:
            return principal
    else:
        scheme, blank, credentials = authorization.partition(b" ")
        known_as = policy.schemes.get(scheme.lower())
        if known_as is not None:
            scheme, authorization = known_as, known_as + blank + credentials
        principals = service.principals
        principal = principals.known(authorization) or await principals.authenticate(
            authorization, request.client
        )
        if scheme.lower() == _TOKEN:
            return principal  # no browser adds it by itself
    # By its name, an operation can be reached with other verbs than its own.
    if origin.is_from_page(request.headers) and not (is_safe and origin.is_safe(request.method)):
        refuse_foreign(request, service.settings.allowed_origins)
    return principal


async def _by_cookies(request: Request, policy: AuthPolicy, service: Service) -> Principal:
    found = await session(request, service)
    if found is None:
        raise Unauthenticated("Not Authenticated")
    token, login = found
    if policy.needs_xsrf:
        given = request.headers.get(b"x-xsrf-token", b"")
        if not hmac.compare_digest(given, xsrf_token(token).encode()):
            raise Unauthenticated("X-XSRF-TOKEN has to repeat the cookie XSRF-TOKEN")
    return login.principal


async def session(request: Request, service: Service) -> tuple[str, LoginSession] | None:
    """The sign-in that the client's cookies name, with its token; None if there is none."""
    for token in tokens(request):
        found = await service.logins.session(token)
        if found is not None:
            return token, found
    return None


def tokens(request: Request) -> list[str]:
    """Of the sessions that the client's cookies name, the browser's own first."""
    header = request.headers.get(b"cookie")
    if header is None:
        return []
    sent = cookies.read(header)
    return list(dict.fromkeys(sent[name] for name in (SESSION, PERMANENT) if name in sent))


def xsrf_token(token: str) -> str:
    """What only pages of ours know of a session: made from its token, which it does not tell."""
    return _derived(token, XSRF)


def session_id(token: str) -> str:
    """What a session is called in answers: it opens nothing, and does not tell the token.

    Scripts read answers, and cookies that are HttpOnly are to be none of their business.
    """
    return _derived(token, SESSION)


def _derived(token: str, use: str) -> str:
    made = hmac.digest(token.encode(), use.encode(), "sha256")
    return urlsafe_b64encode(made).decode().rstrip("=")


def refuse_foreign(request: Request, allowed_origins: Collection[str]) -> None:
    """Raise ForeignPage for what a page of another origin sends."""
    if origin.is_foreign(request.headers, request.base_url, allowed_origins):
        raise ForeignPage
