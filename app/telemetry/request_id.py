"""The id of the request at work, for every log line that is written on its behalf."""

from contextvars import ContextVar

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""X-Request-Id of the request that this task answers; empty outside of any request."""
