"""The view AISessionInfo: one row for each session that is not deleted."""

from domain.ai_session import AISession, evolve
from projections.view import View

VIEW = View(
    projection="ai_session_info",
    version=1,
    kind="ai_session",
    state=AISession,
    evolve=evolve,
    gone=lambda session: session.deleted,
    session_id=lambda stream, _: str(stream),
)
