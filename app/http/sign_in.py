"""Signing in by a password, and out, whichever face is asked: the session, its cookies, reports."""

from msgspec.structs import replace

from app.auth.login_sessions import LoginSession
from app.http import cookies
from app.http.identify import OPTIONS, PERMANENT, SESSION, XSRF, tokens, xsrf_token
from app.http.reports import attempt_of
from app.http.request import Headers, Request
from app.log.facts import Facts
from app.service import Service
from app.telemetry.security import Happening


async def sign_in(
    request: Request,
    service: Service,
    name: str,
    password: str,
    *,
    permanent: bool,
    by: str = "credentials",
) -> tuple[str, LoginSession]:
    """Open a session for who knows a password; returns its token with it.

    `by`: the means, for the log. The browser's former session ends, so that anybody who knows it
    loses access. Raises Unauthenticated, Throttled, or StoreDown.
    """
    facts = _facts(request, by)
    token, login = await service.logins.sign_in(
        name, password, request.client, permanent=permanent, facts=facts
    )
    service.attempts.report(attempt_of(request, Happening.SIGNED_IN, login.principal))
    await sign_out(request, service)
    return token, login


async def sign_out(request: Request, service: Service) -> None:
    """Close the sessions that the browser's cookies name. Raises StoreDown."""
    for principal in await service.logins.sign_out(tokens(request), _facts(request)):
        service.attempts.report(attempt_of(request, Happening.SIGNED_OUT, principal))


def signed_in_cookies(
    request: Request, service: Service, token: str, *, permanent: bool
) -> Headers:
    """The cookies of a session; a temporary session also removes a permanent one's cookie."""
    secure, settings = is_secure(request), service.settings
    session_s = settings.login_s if permanent else None
    permanent_s = settings.permanent_login_s if permanent else None
    headers = [cookies.write(SESSION, token, max_age_s=session_s, secure=secure)]
    if permanent:
        headers.append(cookies.write(PERMANENT, token, max_age_s=permanent_s, secure=secure))
    elif PERMANENT in cookies.read(request.headers.get(b"cookie")):
        headers.append(cookies.write(PERMANENT, "", max_age_s=0, secure=secure))
    kind = "perm" if permanent else "temp"
    xsrf = xsrf_token(token)
    return [
        *headers,
        cookies.write(OPTIONS, kind, max_age_s=permanent_s, secure=secure),
        cookies.write(XSRF, xsrf, max_age_s=permanent_s, secure=secure, for_scripts=True),
    ]


def no_cookies(request: Request) -> Headers:
    """Headers that remove all cookies of a sign-in, and what the browser keeps of its answers."""
    secure = is_secure(request)
    gone = [
        cookies.write(name, "", max_age_s=0, secure=secure)
        for name in (SESSION, PERMANENT, OPTIONS, XSRF)
    ]
    return [*gone, (b"clear-site-data", b'"cache", "storage"')]


def is_secure(request: Request) -> bool:
    """Whether cookies may be sent back by TLS alone."""
    return request.scheme == "https"


def _facts(request: Request, auth: str | None = None) -> Facts:
    """The facts of the call, as the log keeps them; `auth`: the means that it is about to prove."""
    call = request.call()
    if auth is not None:
        call = replace(call, metadata=replace(call.metadata, auth=auth))
    return call.facts
