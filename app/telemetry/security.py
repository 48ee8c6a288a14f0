"""The security log: one line for each thing that a caller does with credentials, or is refused.

It is written at every `--log-level`, by the logger `sessionary.security`. No secret is in a line,
and of a caller who is not known only a keyed hash of the name: it may be a mistyped password.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from app.telemetry.logs import SECURITY, with_fields

_LOG = logging.getLogger(SECURITY)


class Happening(StrEnum):
    """What callers do with credentials, or are refused."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    NO_CREDENTIALS = "no_credentials"
    """Asked for something without any: nobody's attempt, so no event tells it."""
    SIGN_IN_REFUSED = "sign_in_refused"
    THROTTLED = "throttled"
    FORBIDDEN = "forbidden"
    ISSUED = "token_issued"
    REVOKED = "token_revoked"
    USER_CHANGED = "user_changed"


_WORDS: Mapping[str, str] = {
    Happening.SIGNED_IN: "Signed in",
    Happening.SIGNED_OUT: "Signed out",
    Happening.NO_CREDENTIALS: "Refused a call without credentials",
    Happening.SIGN_IN_REFUSED: "Refused credentials",
    Happening.THROTTLED: "Refused to check a password after too many wrong ones",
    Happening.FORBIDDEN: "Refused an operation",
    Happening.ISSUED: "Issued a token",
    Happening.REVOKED: "Revoked a token",
    Happening.USER_CHANGED: "Changed a user",
}
REFUSALS = frozenset({Happening.SIGN_IN_REFUSED, Happening.THROTTLED, Happening.FORBIDDEN})
"""Those that also are counted and become events."""


class Reported(Protocol):
    """What a line is made of; empty texts are left out."""

    @property
    def what(self) -> str:
        """The value of a `Happening`."""

    @property
    def principal(self) -> str | None:
        """Who called, once that is known."""

    @property
    def name_hash(self) -> str | None:
        """A keyed hash of the name of a caller who is not known."""

    @property
    def address(self) -> str | None:
        """The caller's address."""

    @property
    def reason(self) -> str:
        """Of a refusal, in a word or a sentence that holds nothing of the caller's."""

    @property
    def auth(self) -> str:
        """The means: basic, cookie, token."""

    @property
    def face(self) -> str:
        """The API that was called."""

    @property
    def operation(self) -> str:
        """What was called there."""

    @property
    def request_id(self) -> str | None:
        """The request, if it is not the one at work."""

    @property
    def subject(self) -> str | None:
        """The principal that was changed, or got or lost a token."""

    @property
    def token_id(self) -> str | None:
        """The token's public name."""


def write(report: Reported) -> None:
    """Write the line of a report; raises nothing."""
    level = logging.WARNING if report.what in REFUSALS else logging.INFO
    fields = {
        "event": str(report.what),
        "principal": report.principal or None,
        "nameHash": report.name_hash,
        "address": report.address,
        "reason": report.reason or None,
        "auth": report.auth or None,
        "face": report.face or None,
        "operation": report.operation or None,
        "subject": report.subject,
        "tokenId": report.token_id,
        "requestId": report.request_id,
    }
    _LOG.log(level, "%s", _WORDS.get(report.what, report.what), extra=with_fields(fields))
