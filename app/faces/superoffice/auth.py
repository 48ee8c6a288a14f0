"""Authentication in the SuperOffice-style face.

The Authorization header identifies the caller, with case-insensitive schemes: `Basic`, and
`Bearer` or `SoTicket` with a token of `sessionary users token`. Without it, the cookies of a
sign-in (`POST /auth/credentials`) do. The header X-XSRF-TOKEN must then repeat the cookie
XSRF-TOKEN that came with them: a stranger's page can make a browser send cookies, but cannot read
them.
"""

from app.http.identify import AuthPolicy

POLICY = AuthPolicy(schemes={b"soticket": b"Bearer"}, needs_xsrf=True)
