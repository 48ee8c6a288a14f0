"""Who calls the SuperOffice-style face.

By the Authorization header, whose schemes count in any case: `Basic`, and `Bearer` or `SoTicket`
with a token of `sessionary users token`. Without it, by the cookies of a sign-in (`POST
/auth/credentials`): then the header X-XSRF-TOKEN has to repeat the cookie XSRF-TOKEN that came with
them. A stranger's page can make a browser send cookies, but cannot read them.
"""

import hmac

from app.auth.principals import Principal, Unauthenticated
from app.http import origin
from app.http.cookie_auth import by_authorization, refuse_foreign, session, xsrf_token
from app.http.request import Exchange

_TICKET = b"soticket"


async def identify(exchange: Exchange) -> Principal:
    """Who calls. Raises Unauthenticated, ForeignPage, Throttled, or StoreDown."""
    authorization = exchange.headers.get(b"authorization")
    if authorization is None:
        return await _by_cookies(exchange)
    scheme, blank, credentials = authorization.partition(b" ")
    if scheme.lower() == _TICKET:
        authorization = b"Bearer" + blank + credentials
    principal = await by_authorization(exchange, authorization)
    # A browser keeps a password that was typed in and adds it to what any page asks for.
    typed = scheme.lower() == b"basic" and origin.is_from_page(exchange.headers)
    if typed and not origin.is_safe(exchange.method):
        refuse_foreign(exchange)
    return principal


async def _by_cookies(exchange: Exchange) -> Principal:
    found = await session(exchange)
    if found is None:
        raise Unauthenticated("Not Authenticated")
    token, login = found
    given = exchange.headers.get(b"x-xsrf-token", b"")
    if not hmac.compare_digest(given, xsrf_token(token).encode()):
        raise Unauthenticated("X-XSRF-TOKEN has to repeat the cookie XSRF-TOKEN")
    return login.principal
