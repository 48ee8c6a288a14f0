"""Requests by their headers, path and query, without a service behind them."""

from typing import Any

from app.http.head import read_head
from app.http.request import Request


def request_of(
    *headers: tuple[bytes, bytes],
    path: str = "/ai/sessions",
    query: bytes = b"",
    behind_proxy: bool = False,
) -> Request:
    """The head of a POST as an operation sees it."""
    scope: Any = {
        "headers": headers,
        "path": path,
        "query_string": query,
        "client": ("192.0.2.1", 4711),
        "scheme": "http",
        "method": "POST",
    }
    return read_head(scope, behind_proxy=behind_proxy, face="evo", operation="NewAISession")
