"""What each event means, in words that follow the actor's name."""

from app.history.terms import type_name

_WORDS = {
    "account.created": "created the account",
    "account.renamed": "renamed the account",
    "ai_session.created": "opened the AI session",
    "ai_session.patched": "changed the AI session",
    "ai_session.deleted": "deleted the AI session",
    "ai_session.personal_data_erased": "erased personal data of the AI session",
    "ai_session.action_proposed": "proposed an action",
    "ai_session.applied": "applied the actions",
    "ai_session.actions_cleared": "dropped all actions",
    "ai_session.action_deleted": "dropped an action",
    "audit.viewed": "saw personal data",
    "chat_session.created": "opened the chat session",
    "chat_session.updated": "changed the chat session",
    "chat_session.rated": "rated the chat session",
    "chat_session.closed": "closed the chat session",
    "chat_session.picked_up": "took the chat from the queue",
    "chat_session.transfer_requested": "asked an agent to take over",
    "chat_session.transfer_accepted": "took the chat over",
    "chat_session.transfer_rejected": "declined the transfer",
    "chat_session.reset": "put the chat back into the queue",
    "chat_session.message_added": "posted a message",
    "chat_session.fetched": "fetched the chat's news",
    "chat_session.deleted": "deleted the chat session",
    "chat_session.personal_data_erased": "erased personal data of the chat session",
    "hold.placed": "placed a legal hold",
    "hold.lifted": "lifted a legal hold",
    "principal.added": "added the user",
    "principal.roles_changed": "changed the user's roles",
    "principal.password_changed": "changed the user's password",
    "principal.disabled": "disabled the user",
    "principal.enabled": "enabled the user",
    "principal.removed": "removed the user",
    "principal.token_issued": "issued a token",
    "principal.token_revoked": "revoked a token",
    "principal.signed_in": "signed in",
    "principal.signed_out": "signed out",
    "principal.sign_in_refused": "recorded refused sign-ins",
    "principal.throttled": "recorded callers that were slowed down",
    "principal.forbidden": "recorded calls that were not allowed",
}
CREATIONS = frozenset({"account.created", "ai_session.created", "chat_session.created"})
ENDS = frozenset({"ai_session.deleted", "chat_session.deleted", "principal.removed"})


def words_of(topic: str) -> str:
    """What somebody did; the stored name of an event that nobody put into words."""
    return _WORDS.get(type_name(topic), topic)


def choices() -> list[tuple[str, str]]:
    """The events to choose from in a filter: stored names without version, and words."""
    return list(_WORDS.items())
