"""The view ChatSessionEntity: one row a chat session that is not deleted."""

from domain.chat_session import ChatSession, evolve
from projections.view import View

VIEW = View(
    name="chat_session_entity",
    kind="chat_session",
    state=ChatSession,
    evolve=evolve,
    gone=lambda session: session.deleted,
    session_id=lambda _, session: str(session.chat_session_id),
)
