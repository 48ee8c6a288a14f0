"""Who calls the SuperOffice-style face.

By the Authorization header, whose schemes count in any case: `Basic`, and `Bearer` or `SoTicket`
with a token of `sessionary users token`. Without it, by the cookies of a sign-in (`POST
/auth/credentials`): then the header X-XSRF-TOKEN has to repeat the cookie XSRF-TOKEN that came with
them. A stranger's page can make a browser send cookies, but cannot read them.
"""

from app.http.identify import AuthPolicy

POLICY = AuthPolicy(schemes={b"soticket": b"Bearer"}, needs_xsrf=True)
