"""X-Request-Id on every answer, whatever becomes of the request."""

import re
from collections.abc import Iterator

import httpx
import pytest

REQUESTS = {
    "a read": ("GET", "/ai/sessions", {}, 200),
    "a command": ("POST", "/ai/sessions", {"Content-Type": "application/json"}, 200),
    "an unreadable body": ("PATCH", "/ai/sessions/x", {"Content-Type": "application/xml"}, 400),
    "no such session": ("GET", "/api/v1/ChatSession/2147483647", {}, 404),
    "no such path": ("GET", "/nowhere", {}, 404),
    "no such verb": ("PUT", "/ai/sessions", {}, 405),
    "a verb that only a browser sends": ("OPTIONS", "/ai/sessions", {}, 405),
    "no such token": ("GET", "/accounts", {"Authorization": "Bearer no"}, 401),
    "too long headers": ("GET", "/accounts", {"X-Long": "x" * 16_400}, 431),
    "a page": ("GET", "/metadata", {}, 200),
    "health": ("GET", "/health/live", {}, 200),
}


@pytest.fixture(scope="module")
def stranger(admin: httpx.Client) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with httpx.Client(base_url=admin.base_url) as client:
        yield client


@pytest.mark.parametrize("name", REQUESTS)
def test_every_answer_names_its_request(
    admin: httpx.Client, stranger: httpx.Client, name: str
) -> None:
    method, path, headers, status = REQUESTS[name]
    client = stranger if "Authorization" in headers else admin
    content = {"PATCH": b"<", "POST": b"{}", "PUT": b"{}"}.get(method)
    given = {**headers, "X-Request-Id": "mine.1-a_B"}
    answer = client.request(method, path, headers=given, content=content)
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (status, "mine.1-a_B")
    made = client.request(method, path, headers=headers, content=content).headers["X-Request-Id"]
    assert re.fullmatch("[A-Za-z0-9_.-]{1,64}", made)
    assert made != "mine.1-a_B"


@pytest.mark.parametrize("given", ["x" * 65, "a b", "<script>", "a;b"])
def test_an_id_that_no_log_line_can_hold_is_replaced(admin: httpx.Client, given: str) -> None:
    ids = {
        admin.get("/health/live", headers={"X-Request-Id": given}).headers["X-Request-Id"]
        for _ in range(2)
    }
    assert len(ids) == 2
    assert given not in ids
