"""Requests by their headers, path and query, to a service that has nothing but settings."""

from types import SimpleNamespace
from typing import Any, cast

from app.http.request import Exchange
from app.service import Service

BODY_BYTES = 100


def service(*, behind_proxy: bool = False) -> Service:
    settings = SimpleNamespace(
        body_bytes=BODY_BYTES, behind_proxy=behind_proxy, answer_bytes=BODY_BYTES
    )
    return cast("Service", SimpleNamespace(settings=settings))


SERVICE = service()


def exchange(
    *headers: tuple[bytes, bytes],
    path: str = "/ai/sessions",
    query: bytes = b"",
    service: Service = SERVICE,
) -> Exchange:
    scope: Any = {
        "headers": headers,
        "path": path,
        "query_string": query,
        "client": ("192.0.2.1", 4711),
        "scheme": "http",
        "method": "POST",
    }
    opened = Exchange(service, scope)
    opened.face, opened.operation = "evo", "NewAISession"
    return opened
