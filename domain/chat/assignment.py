"""Who may become a chat session's agent, and by whom: one rule, whatever the road.

The agent of a session sees its key, and the key admits its bearer as the customer. So an agent gets
a session by a pick-up, by a transfer that its present agent offers, or by creating it. Managers and
administrators may give any session to anybody.
"""

from domain.chat.carriers import Associate
from domain.chat.change import ChatCaller
from domain.chat.fields import ChatSessionFields
from domain.errors import NotYours


def refuse_assignment(
    by: ChatCaller, before: ChatSessionFields | None, wanted: ChatSessionFields
) -> None:
    """Raise NotYours for a change by which somebody becomes the agent, or is offered the session.

    `before` is the present session; None: it is new, and its creator may have it.
    """
    if by.assigns:
        return
    has = None if before is None else before.user
    offered = None if before is None else before.transfer_to
    if _is_new(wanted.user, has) and not (before is None and by.is_agent(wanted.user)):
        message = "User: only a pick-up or an accepted transfer makes an agent a session's user"
        raise NotYours("User", f"{message} (Manager and SystemAdministrator may set it)")
    giver = wanted.user if before is None else has
    if _is_new(wanted.transfer_to, offered) and not by.is_agent(giver):
        message = "TransferTo: only the agent who has a session may offer it"
        raise NotYours("TransferTo", f"{message} (Manager and SystemAdministrator may)")


def require_taker(*, takes_chats: bool) -> None:
    """Raise NotYours for a pick-up or an accepted transfer by somebody who is no agent."""
    if not takes_chats:
        raise NotYours("User", "User: a customer or an onlooker does not become a session's user")


def _is_new(wanted: Associate | None, held: Associate | None) -> bool:
    """Whether another agent is named; one without a number is nobody who could sign in."""
    if wanted is None or not isinstance(wanted.associate_id, int) or wanted.associate_id == 0:
        return False
    return held is None or held.associate_id != wanted.associate_id
