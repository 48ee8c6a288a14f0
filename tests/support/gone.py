"""How a service answers while its database is gone."""

import httpx

from support.load import PATIENCE_S
from support.patience import patient


def assert_unavailable(answer: httpx.Response, took_s: float) -> None:
    """In the face's shape, with the word when to come back, and soon."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    if answer.request.url.path.startswith("/api/v1"):
        assert list(answer.json()) == ["Error", "ErrorType", "ErrorMessage", "ErrorSource"]
    else:
        # (Where many wait behind those that got no answer, the queue is full instead.)
        code = answer.json()["responseStatus"]["errorCode"]
        assert code in ("ServiceUnavailable", "Overloaded")
    assert took_s < patient(PATIENCE_S), f"{answer.request.method} {answer.request.url.path}"
