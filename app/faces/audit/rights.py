"""Who may call the face of auditors, and by which means."""

from app.auth.principals import Principal
from app.auth.roles import AUDITOR, DATA_PROTECTION, SYSTEM_ADMINISTRATOR
from app.http.identify import AuthPolicy

POLICY = AuthPolicy()
"""Basic, Bearer, and the cookies of a sign-in."""


def may_audit(principal: Principal) -> None:
    """Raise Forbidden unless the principal may see all that happened."""
    principal.require(AUDITOR, SYSTEM_ADMINISTRATOR)


def may_see_receipts(principal: Principal) -> None:
    """Raise Forbidden unless the principal may see what was erased, which names nobody erased."""
    principal.require(DATA_PROTECTION, AUDITOR, SYSTEM_ADMINISTRATOR)


def may_protect(principal: Principal) -> None:
    """Raise Forbidden unless the principal finds and erases what is held on a person.

    An administrator does not, unless the role was given, too: two people should know of an erasure.
    """
    principal.require(DATA_PROTECTION)
