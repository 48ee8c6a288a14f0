"""Commands of both faces, where they are in the log, and how they are refused."""

from typing import Any

import httpx

CHAT = "/api/v1/ChatSession"
COMMANDS = {
    "new session": ("POST", "/ai/sessions"),
    "patch session": ("PATCH", "/ai/sessions/{session}"),
    "delete session": ("DELETE", "/ai/sessions/{session}"),
    "new account": ("POST", "/accounts"),
    "patch account": ("PATCH", "/accounts/String"),
    "new chat": ("POST", CHAT),
    "put chat": ("PUT", CHAT + "/{chat}"),
    "delete chat": ("DELETE", CHAT + "/{chat}"),
}


OF_CALLERS = 4
"""Events that a service may write at any moment about those it refused before."""


def follows(later: int, earlier: int, by: int = 1) -> bool:
    """Whether positions are so far apart, but for a few events that tell of refused callers."""
    return by <= later - earlier <= by + OF_CALLERS


def position(answer: httpx.Response) -> int:
    """Where in the log a command's answer says that its stream ends."""
    partition, _, number = answer.headers["X-Log-Position"].partition(":")
    assert partition == "0"
    return int(number)


def assert_refused(answer: httpx.Response, status: int, code: str | None = None) -> None:
    """A refusal in the shape of the face that it came from."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body: dict[str, Any] = answer.json()
    if answer.request.url.path.startswith("/api/v1"):
        assert list(body) == ["Error", "ErrorType", "ErrorMessage", "ErrorSource"]
        assert body["Error"] is True
    else:
        assert list(body) == ["responseStatus"]
        assert list(body["responseStatus"]) == ["errorCode", "message", "errors"]
        assert code is None or body["responseStatus"]["errorCode"] == code
