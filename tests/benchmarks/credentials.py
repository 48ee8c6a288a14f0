"""How both peers know their callers: HTTP Basic against a table in memory, in constant time."""

import base64
import hashlib
import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

USER, PASSWORD = "admin", "correct horse battery staple"
AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
ROLE = "SystemAdministrator"


class _Known(Struct, frozen=True):
    password_hash: bytes
    roles: frozenset[str]


_NOBODY = _Known(b"\0" * 32, frozenset())
_TABLE = {USER: _Known(hashlib.sha256(PASSWORD.encode()).digest(), frozenset({ROLE}))}


def authenticated(
    connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
) -> None:
    """A Litestar guard: who calls is `request.user` behind it."""
    scheme, _, credentials = connection.headers.get("authorization", "").partition(" ")
    try:
        pair = base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        raise NotAuthorizedException from None
    name, _, password = pair.partition(":")
    known = _TABLE.get(name, _NOBODY)
    given = hashlib.sha256(password.encode()).digest()
    if not hmac.compare_digest(given, known.password_hash) or scheme.lower() != "basic":
        raise NotAuthorizedException
    if ROLE not in known.roles:
        raise PermissionDeniedException
    connection.scope["user"] = name
