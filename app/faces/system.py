"""Health and metrics."""

from types import MappingProxyType

import msgspec

from app.auth.principals import Principal
from app.auth.roles import OPERATOR, SYSTEM_ADMINISTRATOR
from app.database.errors import StoreDown
from app.http.errors import Refusal, Responses
from app.http.identify import AuthPolicy
from app.http.operation import Handler, Operation, Routes
from app.http.request import Reply, Request
from app.log import vitals
from app.operations import projections
from app.operations.rebuild_progress import progress
from app.proof import checkpoints
from app.service import Service
from app.telemetry import metrics

_TEXT = b"text/plain; charset=utf-8"


class SystemFace:
    """Answers errors as plain text."""

    name = "system"
    prefix = "/health/"
    suffixes: frozenset[str] = frozenset()
    overridable = False
    refuses_alike = False
    policy = AuthPolicy()
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """Takes all operations into its routes."""
        self.routes: Routes = ROUTES

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The sentence as plain text."""
        body = refused.message.encode()
        return Reply(refused.status, body, refused.headers, content_type=_TEXT)


async def live(_: Request, __: Service) -> Reply:
    """`GET /health/live`: 200 as long as the process answers."""
    return Reply(200, b"live\n", content_type=_TEXT)


async def ready(request: Request, service: Service) -> Reply:
    """`GET /health/ready`: 200 if commands can be served, else 503 with the reason.

    With `?verbose` in JSON, and by part.
    """
    reason = await service.unready()
    status, headers = 200, []
    if reason is not None:
        status, headers = 503, [(b"retry-after", b"%d" % service.settings.retry_after_s)]
    if any(name == "verbose" for name, _ in request.pairs):
        parts = await service.ready_parts(reason)
        told = {"ready": reason is None, "reason": reason, "parts": parts}
        return Reply(status, msgspec.json.encode(told), headers)
    said = "ready\n" if reason is None else f"not ready: {reason}\n"
    return Reply(status, said.encode(), headers, content_type=_TEXT)


async def scrape(_: Request, service: Service) -> Reply:
    """`GET /metrics`, of all worker processes together; for an Operator."""
    try:
        found = await vitals.readings(service.pool)
        found += [*await projections.lag(service.pool), *await progress(service.pool)]
        found += await checkpoints.readings(service.pool)
    except StoreDown:
        found = []  # the rest tells why
    text = metrics.text(service.settings.metrics_folder, found)
    return Reply(200, text, content_type=metrics.CONTENT_TYPE)


def _open(name: str, handler: Handler) -> Operation:
    return Operation(
        name=name,
        handler=handler,
        is_anonymous=True,
        is_safe=True,
        is_vital=True,
        any_host=True,
    )


def _watches(principal: Principal) -> None:
    principal.require(OPERATOR, SYSTEM_ADMINISTRATOR)


ROUTES: Routes = {
    "/health/live": {"GET": _open("Live", live)},
    "/health/ready": {"GET": _open("Ready", ready)},
    # (Any host: who scrapes gives the address of a worker's machine, and needs credentials anyway.)
    "/metrics": {
        "GET": Operation(
            name="Metrics",
            handler=scrape,
            admit=_watches,
            is_safe=True,
            is_vital=True,
            any_host=True,
        )
    },
}
