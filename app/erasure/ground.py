"""Why something is erased, and who else approved of it; both are kept for ever, in the clear."""

import msgspec

from app.auth.people import People
from app.auth.roles import DATA_PROTECTION
from domain.errors import InvalidField, NotFound
from domain.limits import Reason
from domain.principal.state import PrincipalState


def require_reason(reason: object) -> str:
    """The ground of an erasure. Raises InvalidField; what was given is not in the message."""
    try:
        text = msgspec.convert(reason, Reason)
        text.encode()  # (half of a surrogate pair is no text)
    except (msgspec.ValidationError, UnicodeEncodeError):
        text = ""
    if not text.strip() or "\0" in text:
        raise InvalidField("reason", "reason takes 1 to 500 characters: why it is erased")
    if "@" in text:
        raise InvalidField(
            "reason", "reason is kept for ever, in the clear: it takes no e-mail address"
        )
    return text


async def require_approver(people: People, name: str | None, asked_by: str) -> str | None:
    """The second person, as whoever asks for the erasure names them; None: nobody.

    Raises InvalidField unless it is another user who may erase, StoreDown.
    """
    if name is None:
        return None
    wrong = InvalidField(
        "approvedBy",
        f"approvedBy takes the name of another user with the role {DATA_PROTECTION}",
    )
    try:
        info = (await people.find(name)).info
    except NotFound:
        raise wrong from None
    if (
        info.name == asked_by
        or info.state is not PrincipalState.ACTIVE
        or DATA_PROTECTION not in info.roles
    ):
        raise wrong
    return info.name
