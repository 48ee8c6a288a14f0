"""Requests of clients, without a socket: what they send, and what their cookies are then."""

from typing import Any

from app.auth.principals import Principal
from app.codecs.answer_budget import AnswerBudget
from app.faces.evo.auth import POLICY
from app.faces.evo.operations import Asked
from app.faces.evo.wire.api import API
from app.http.head import read_head
from app.http.identify import identify
from app.http.request import Headers
from app.service import Service

FOREIGN = {"origin": "http://evil.example"}
"""What a browser adds to a request that another's page makes."""


def sent(
    service: Service, method: str = "POST", operation: str = "Authenticate", **headers: str
) -> Asked:
    """A request of a client; `Host` is `s.example`."""
    named = {"host": "s.example"} | {name.replace("_", "-"): text for name, text in headers.items()}
    scope: Any = {
        "type": "http",
        "method": method,
        "path": "/auth",
        "query_string": b"",
        "scheme": "http",
        "client": ("192.0.2.1", 5),
        "headers": [(name.encode(), text.encode("latin-1")) for name, text in named.items()],
    }
    behind_proxy = service.settings.behind_proxy
    head = read_head(scope, behind_proxy=behind_proxy, face="evo", operation=operation)
    return Asked(head, service, AnswerBudget())


async def identified(asked: Asked) -> Principal:
    """Who sends it, if the operation is that of its name."""
    safe = any(api.is_safe for api in API if api.name == asked.http.operation)
    return await identify(asked.http, POLICY, asked.service, is_safe=safe)


def set_cookies(headers: Headers) -> dict[str, str]:
    """What follows each cookie's name."""
    lines = [value.decode() for name, value in headers if name == b"set-cookie"]
    return dict(line.split("=", 1) for line in lines)


def value_of(cookie: str) -> str:
    """What a cookie holds, without its attributes."""
    return cookie.partition(";")[0]


async def token(service: Service, name: str = "kim", *, permanent: bool = False) -> str:
    """What a cookie of a fresh sign-in holds; the password is `right as rain`."""
    return (await service.logins.sign_in(name, "right as rain", None, permanent=permanent))[0]
