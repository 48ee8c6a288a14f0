"""Puts on record that personal data is about to be shown, before it is."""

from collections.abc import Sequence

from msgspec.structs import replace

from app.commands.context import CommandContext
from app.faces.audit.query import Query
from app.history.masking import MASK
from app.http.request import Request
from app.service import Service
from domain.audit import RecordView

_NOT_IN_SCOPE = frozenset({"personal", "reason", "format", "tz", "unfold"})
_MAY_BE_PERSONAL = frozenset({"actor", "client", "principal", "email", "phone", "name"})
"""Parameters whose values are written as masked as in an answer."""


async def record_view(
    request: Request, service: Service, query: Query, sessions: Sequence[str] = ()
) -> None:
    """Append the event of a view, if the request asks for personal data. Raises StoreDown.

    `sessions`: ids of those that are shown, where the request does not name them.
    """
    reason = query.reason()
    if reason is None:
        return
    auditor = request.principal.name
    command = RecordView(auditor=auditor, reason=reason, scope=_scope(request, query, sessions))
    await service.commands.handle(command, _call(request))


def _scope(request: Request, query: Query, sessions: Sequence[str]) -> str:
    shown = [
        (name, value[:1] + MASK if name in _MAY_BE_PERSONAL else value)
        for name, value in query.given.items()
        if value and name not in _NOT_IN_SCOPE
    ]
    shown += [("session", session) for session in sessions]
    path = f"/{request.location}"
    return f"{path}?{'&'.join(f'{name}={value}' for name, value in shown)}" if shown else path


def _call(request: Request) -> CommandContext:
    """The call, without conditions and key: each view is an event of its own."""
    bare = replace(
        request,
        headers={
            name: value
            for name, value in request.headers.items()
            if name not in (b"if-match", b"if-none-match", b"idempotency-key")
        },
    )
    return bare.call()
