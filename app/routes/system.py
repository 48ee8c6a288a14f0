"""Health and metrics."""

from app import metrics
from app.routes.errors import Refusal
from app.routes.exchange import Exchange, Reply
from app.routes.face import Operation, Routes

_TEXT = b"text/plain; charset=utf-8"


class SystemFace:
    """Answers errors as plain text."""

    name = "system"
    content_type = _TEXT

    def error(self, refused: Refusal) -> bytes:
        """The sentence alone."""
        return refused.message.encode()


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


PREFIXES = ("/health", "/metrics")
ROUTES: Routes = {
    "/health/live": {"GET": Operation("Live", live, anonymous=True)},
    "/health/ready": {"GET": Operation("Ready", ready, anonymous=True)},
    "/metrics": {"GET": Operation("Metrics", scrape, anonymous=True)},
}
