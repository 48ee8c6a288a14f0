"""The view ChatSessionEntity: one row for each chat session that is not deleted."""

from collections.abc import Mapping

from domain.chat.evolve import evolve
from domain.chat.session import OPEN, ChatSession
from domain.date_time import EMPTY, is_set, ticks
from projections.view import View


def _search(session: ChatSession) -> Mapping[str, int]:
    """The date-times that are set, in sortable ticks; `watched` only while the session is open."""
    moments = {
        "when_requested": session.when_requested,
        "when_started": session.when_started,
        "when_ended": session.when_ended,
        "watched": session.watched if session.status in OPEN else EMPTY,
    }
    return {name: ticks(moment) for name, moment in moments.items() if is_set(moment)}


VIEW = View(
    projection="chat_session_entity",
    version=1,
    kind="chat_session",
    state=ChatSession,
    evolve=evolve,
    gone=lambda session: session.deleted,
    session_id=lambda _, session: str(session.chat_session_id),
    search=_search,
)
