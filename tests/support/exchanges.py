"""Exchanges with clients, without a socket: what they send, and what their cookies are then."""

from typing import Any

from app.http.request import Exchange, Headers
from app.service import Service

FOREIGN = {"origin": "http://evil.example"}
"""What a browser adds to a request that another's page makes."""


def exchange(
    service: Service, method: str = "POST", operation: str = "Authenticate", **headers: str
) -> Exchange:
    """A request of a client; `Host` is `s.example`."""
    sent = {"host": "s.example"} | {name.replace("_", "-"): text for name, text in headers.items()}
    scope: Any = {
        "type": "http",
        "method": method,
        "path": "/auth",
        "query_string": b"",
        "scheme": "http",
        "client": ("192.0.2.1", 5),
        "headers": [(name.encode(), text.encode("latin-1")) for name, text in sent.items()],
    }
    made = Exchange(service, scope)
    made.operation = operation
    return made


def set_cookies(headers: Headers) -> dict[str, str]:
    """What follows each cookie's name."""
    lines = [value.decode() for name, value in headers if name == b"set-cookie"]
    return dict(line.split("=", 1) for line in lines)


def value_of(cookie: str) -> str:
    """What a cookie holds, without its attributes."""
    return cookie.partition(";")[0]


async def token(service: Service, name: str = "kim", *, permanent: bool = False) -> str:
    """What a cookie of a fresh sign-in holds; the password is `right`."""
    return (await service.logins.sign_in(name, "right", None, permanent=permanent))[0]
