"""Reports refused callers to the security log, as they are answered."""

from app.auth.principals import Forbidden, Unauthenticated
from app.auth.throttle import Throttled
from app.http.errors import BatchFailed
from app.http.request import Request
from app.service import Service
from app.telemetry import security
from app.telemetry.security import Happening, Report
from domain.errors import NotYours

STATUSES = frozenset({401, 403, 429})
"""Those of an answer that may be one to a refused caller."""


def report_refusal(error: Exception, request: Request | None, service: Service) -> None:
    """Report an answer with one of STATUSES, if it is one to a refused caller."""
    if isinstance(error, BatchFailed):
        error = error.cause
    sent = request or Request(method="", headers={})
    match error:
        case Unauthenticated() if not _has_credentials(sent):
            what = Happening.NO_CREDENTIALS
        case Unauthenticated():
            what = Happening.SIGN_IN_REFUSED
        case Throttled():
            what = Happening.THROTTLED
        case Forbidden() | NotYours():
            what = Happening.FORBIDDEN
        case _:
            return
    security.write(report_of(what, sent, reason=str(error)))


def report_of(
    what: Happening,
    sent: Request,
    *,
    principal: str = "",
    reason: str = "",
    subject: str | None = None,
) -> Report:
    """A report on a request; `principal`: its caller, if that is not known by the request."""
    return Report(
        what=what,
        principal=principal or sent.principal.name or None,
        address=sent.client,
        reason=reason,
        auth=sent.principal.auth,
        face=sent.face,
        operation=sent.operation,
        request_id=sent.request_id or None,
        subject=subject,
        token_id=sent.principal.token_id,
    )


def _has_credentials(sent: Request) -> bool:
    return b"authorization" in sent.headers or b"cookie" in sent.headers or bool(sent.body)
