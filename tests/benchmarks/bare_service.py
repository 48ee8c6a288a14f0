"""Peer C: an ASGI handler that parses nothing and answers from memory: what the server costs."""

from typing import TYPE_CHECKING

from litestar.enums import ScopeType

from .session_dto import ACCOUNT_ID, ACCOUNT_NAME

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

_BODY = (
    b'{"id":"01890a5d-ac96-774b-bcce-b302099a8057","accountId":"%b","accountName":"%b",'
    b'"purpose":"Follow up on invoice 1","actions":[],"dateCreated":"2026-11-29T12:00:00.0000000Z",'
    b'"dateLastModified":"2026-11-29T12:00:00.0000000Z","createdBy":"bench",'
    b'"lastModifiedBy":"bench"}' % (ACCOUNT_ID.encode(), ACCOUNT_NAME.encode())
)
_HEADERS = [
    (b"content-type", b"application/json; charset=utf-8"),
    (b"content-length", b"%d" % len(_BODY)),
]


async def answer(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The same to every request, once its body is there."""
    if scope["type"] != ScopeType.HTTP:
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY, "more_body": False})


def create_app() -> "ASGIApp":
    """As the server asks for it."""
    return answer
