"""The id of a request, and the trace that it belongs to."""

import re

import pytest

from app.http.correlation import request_id, trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("given", [b"r", b"a-B_9.z", b"x" * 64])
def test_the_id_of_a_caller_is_kept(given: bytes) -> None:
    assert request_id(given) == given.decode()


@pytest.mark.parametrize(
    "given", [None, b"", b"x" * 65, b"a b", b"a\nb", b"\xc3\xa9", b"<i>", b"a;b"]
)
def test_what_no_log_line_can_hold_is_replaced(given: bytes | None) -> None:
    first, second = request_id(given), request_id(given)
    assert first != second
    assert re.fullmatch("[A-Za-z0-9_.-]{1,64}", first)


@pytest.mark.parametrize(
    "given", [f"00-{TRACE}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-00 ", f"01-{TRACE}-{SPAN}-01-later"]
)
def test_a_trace_is_found(given: str) -> None:
    found = trace(given.encode())
    assert found is not None
    assert found.trace_id == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        "t1",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE[1:]}-{SPAN}-01",
        "0" * 100_000,
    ],
)
def test_a_malformed_traceparent_is_ignored(given: str) -> None:
    assert trace(given.encode()) is None
