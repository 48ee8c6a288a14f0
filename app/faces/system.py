"""Health and metrics."""

from types import MappingProxyType

from app.auth.principals import Principal
from app.http.errors import Refusal, Responses
from app.http.request import Exchange, Reply
from app.http.route_handler import Operation, Routes
from app.telemetry import metrics

_TEXT = b"text/plain; charset=utf-8"


class SystemFace:
    """Answers errors as plain text."""

    name = "system"
    prefix = "/health/"
    suffixes: frozenset[str] = frozenset()
    overridable = False
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """Serves all operations."""
        self.routes: Routes = ROUTES

    async def identify(self, exchange: Exchange) -> Principal:
        """Nobody: all of it is open."""
        return exchange.principal

    def refuse(self, refused: Refusal, exchange: Exchange | None) -> Reply:
        """The sentence alone."""
        body = refused.message.encode()
        return Reply(refused.status, body, refused.headers, content_type=_TEXT)


async def live(_: Exchange) -> Reply:
    """`GET /health/live`: the process answers."""
    return Reply(200, b"live\n", content_type=_TEXT)


async def ready(exchange: Exchange) -> Reply:
    """`GET /health/ready`: commands can be served; else 503 and the reason."""
    reason = await exchange.service.unready()
    if reason is None:
        return Reply(200, b"ready\n", content_type=_TEXT)
    retry = (b"retry-after", b"%d" % exchange.service.settings.retry_after_s)
    return Reply(503, f"not ready: {reason}\n".encode(), (retry,), content_type=_TEXT)


async def scrape(exchange: Exchange) -> Reply:
    """`GET /metrics`, of all worker processes together."""
    folder = exchange.service.settings.metrics_folder
    return Reply(200, metrics.text(folder), content_type=metrics.CONTENT_TYPE)


ROUTES: Routes = {
    "/health/live": {"GET": Operation("Live", live, anonymous=True)},
    "/health/ready": {"GET": Operation("Ready", ready, anonymous=True)},
    "/metrics": {"GET": Operation("Metrics", scrape, anonymous=True)},
}
