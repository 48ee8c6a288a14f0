"""What schemathesis has to be told to call this service; `st run` loads it (SCHEMATHESIS_HOOKS)."""

from itertools import cycle
from typing import Any

import schemathesis

_ACCEPTED = cycle(("application/json", "application/xml", "application/jsv", "text/csv"))


@schemathesis.serializer("application/jsv")
def as_text(_: Any, value: Any) -> bytes:  # whatever a strategy draws
    """A text of JSV, an example from the document most of the time."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(
    _: schemathesis.HookContext,
    case: "schemathesis.Case[Any]",
    kwargs: dict[str, Any],
) -> None:
    """Ask for one format after the other, so that answers in all of them are looked at."""
    del kwargs
    if case.headers is not None and "Accept" not in case.headers:
        case.headers["Accept"] = next(_ACCEPTED)
