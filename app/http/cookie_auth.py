"""What a request tells of who sent it: the cookies of a sign-in, and whose page it comes from."""

import hmac
from base64 import urlsafe_b64encode

from app.auth.login_sessions import LoginSession
from app.auth.principals import Forbidden, Principal
from app.http import cookies, origin
from app.http.request import Exchange

SESSION = "ss-id"
PERMANENT = "ss-pid"
OPTIONS = "ss-opt"
XSRF = "XSRF-TOKEN"
"""A cookie that pages of ours can read, and send back as the header X-XSRF-TOKEN."""


class ForeignPage(Forbidden):
    """Another origin's page made the caller's browser send the request."""

    def __init__(self) -> None:
        """Says what would have sufficed."""
        super().__init__(message="Not from a page of another origin")


async def by_authorization(exchange: Exchange, authorization: bytes) -> Principal:
    """Who calls by an Authorization header. Raises Unauthenticated, Throttled, or StoreDown."""
    principals = exchange.service.principals
    known = principals.known(authorization)
    return known or await principals.authenticate(authorization, exchange.client)


async def session(exchange: Exchange) -> tuple[str, LoginSession] | None:
    """The sign-in that the client's cookies name, with its token; None if there is none."""
    for token in tokens(exchange):
        found = await exchange.service.logins.session(token)
        if found is not None:
            return token, found
    return None


def tokens(exchange: Exchange) -> list[str]:
    """Of the sessions that the client's cookies name, the browser's own first."""
    header = exchange.headers.get(b"cookie")
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


def refuse_foreign(exchange: Exchange) -> None:
    """Raise ForeignPage for what a page of another origin sends."""
    allowed = exchange.service.settings.allowed_origins
    if origin.is_foreign(exchange.headers, exchange.base_url, allowed):
        raise ForeignPage
