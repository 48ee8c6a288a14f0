"""The security log: one line for each thing that a caller does with credentials, or is refused.

It is written at every `--log-level`, by the logger `sessionary.security`. No secret is in a line,
and of a caller who is not known only a keyed hash of the name: it may be a mistyped password.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from app.telemetry.logs import SECURITY, with_fields
from domain.ids import StreamId

_LOG = logging.getLogger(SECURITY)


class Happening(StrEnum):
    """What callers do with credentials, or are refused."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    NO_CREDENTIALS = "no_credentials"
    """Asked for something without any: nobody's attempt, so no event tells it."""
    SIGN_IN_REFUSED = "sign_in_refused"
    THROTTLED = "throttled"
    TOO_OFTEN = "too_often"
    """More requests than a principal may send: see `app.telemetry.tally`."""
    FORBIDDEN = "forbidden"
    INPUT_REFUSED = "input_refused"
    """The head or the body cannot be read, or is beyond a limit: see `app.telemetry.tally`."""
    ISSUED = "token_issued"
    REVOKED = "token_revoked"
    USER_CHANGED = "user_changed"


_WORDS: Mapping[str, str] = {
    Happening.SIGNED_IN: "Signed in",
    Happening.SIGNED_OUT: "Signed out",
    Happening.NO_CREDENTIALS: "Refused a call without credentials",
    Happening.SIGN_IN_REFUSED: "Refused credentials",
    Happening.THROTTLED: "Refused to check a password after too many wrong ones",
    Happening.TOO_OFTEN: "Refused requests beyond the rate limit",
    Happening.FORBIDDEN: "Refused an operation",
    Happening.INPUT_REFUSED: "Refused input",
    Happening.ISSUED: "Issued a token",
    Happening.REVOKED: "Revoked a token",
    Happening.USER_CHANGED: "Changed a user",
}
REFUSALS = frozenset({Happening.SIGN_IN_REFUSED, Happening.THROTTLED, Happening.FORBIDDEN})
"""Those that also are counted and become events."""
TALLIED = frozenset({Happening.INPUT_REFUSED, Happening.TOO_OFTEN})
"""Those of which a flood is a few lines."""
_WARNINGS = REFUSALS | TALLIED


class Attempt(Struct, frozen=True, kw_only=True):
    """One such happening. No secret and no text of a caller is in it, but a principal's name."""

    what: Happening
    principal: str | None = None
    """The principal's name, once it is known who calls; None of a stranger."""
    name_hash: str | None = None
    """Keyed hash of a name as it was given: it may be a password, so it is not kept as it is."""
    stream: StreamId | None = None
    """Of the principal with that name, if there is one."""
    address: str | None = None
    reason: str = ""
    """A stable word: `password`, `unknown`, `disabled`, `token`, …"""
    auth: str = ""
    face: str = ""
    operation: str = ""
    request_id: str | None = None
    subject: str | None = None
    """The principal that was changed, or got or lost a token."""
    token_id: str | None = None
    sign_in: str | None = None
    """The cookie's by which it was done, or that was ended: the id, which is no secret."""
    status: int | None = None
    """Of the answer to refused input."""
    count: int | None = None
    """How much refused input the line stands for."""


def write(attempt: Attempt) -> None:
    """Write the line of an attempt; raises nothing."""
    level = logging.WARNING if attempt.what in _WARNINGS else logging.INFO
    fields = {
        "event": str(attempt.what),
        "principal": attempt.principal or None,
        "nameHash": attempt.name_hash,
        "address": attempt.address,
        "reason": attempt.reason or None,
        "auth": attempt.auth or None,
        "face": attempt.face or None,
        "operation": attempt.operation or None,
        "subject": attempt.subject,
        "tokenId": attempt.token_id,
        "signIn": attempt.sign_in,
        "status": attempt.status,
        "count": attempt.count,
        "requestId": attempt.request_id,
    }
    _LOG.log(level, "%s", _WORDS.get(attempt.what, attempt.what), extra=with_fields(fields))
