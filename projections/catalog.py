"""All views.

A new one is a file here and a line below; in `migrations/` a table and its place in `append`; and
how it is read, in `app/queries/views.sql`.
"""

from domain.event import Event, kind_of
from projections import account_info, ai_session_info, chat_session_entity
from projections.view import View

VIEWS: dict[str, View] = {
    view.kind: view for view in (ai_session_info.VIEW, chat_session_entity.VIEW, account_info.VIEW)
}
"""By the kind of stream that each is folded from."""


def view_of(event: Event) -> View:
    """The view that an event's stream is folded into."""
    return VIEWS[kind_of(event.topic)]
