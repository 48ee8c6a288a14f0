"""What ties a request to others: its own id, and the trace that it belongs to."""

import re
import secrets
from itertools import count

from app.telemetry.tracing import Trace

_is_request_id = re.compile(rb"[A-Za-z0-9_.-]{1,64}").fullmatch
_traceparent = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    rb"(?P<further>-.*)?"
).fullmatch
_SAMPLED = 0x01
_PROCESS = secrets.token_hex(6)
_NUMBERS = count(1)


def request_id(given: bytes | None) -> str:
    """The caller's X-Request-Id, or a new one if it sent none that a log line can hold."""
    if given is not None and _is_request_id(given):
        return given.decode()
    # (Unique by the process and a count: random bits for each request would cost ten times that.)
    return f"{_PROCESS}-{next(_NUMBERS):x}"


def trace(traceparent: bytes) -> Trace | None:
    """The caller's span, from a `traceparent`; None if it is malformed.

    A malformed one is ignored, not refused (W3C Trace Context, 3.2.2.5): some proxy may have made
    it, and the caller cannot mend it.
    """
    found = _traceparent(traceparent.strip())
    if found is None or (found["further"] is not None and traceparent.startswith(b"00")):
        return None
    is_sampled = bool(int(found["flags"], 16) & _SAMPLED)
    return Trace(found["trace"].decode(), found["span"].decode(), is_sampled)
