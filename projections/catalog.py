"""All views.

A new one is a file here and a line below, and in `migrations/` a numbered file with its table.
"""

from collections.abc import Mapping, Sequence

from domain.event import Event, kind_of
from projections import account_info, ai_session_info, chat_session_entity
from projections.view import View

VIEWS: Sequence[View] = (
    ai_session_info.VIEW,
    chat_session_entity.VIEW,
    account_info.VIEW,
)
"""All, each found by its name. Of each kind the first is the current state, those behind it show
the same streams otherwise."""

CURRENT: Mapping[str, View] = {view.kind: view for view in reversed(VIEWS)}
"""By kind: the view whose rows are the snapshots that commands are decided on."""


def view_of(event: Event) -> View:
    """The current state that an event's stream is folded into."""
    return CURRENT[kind_of(event.topic)]


def of_kind(kind: str) -> list[View]:
    """All views of a kind, the current state first."""
    return [view for view in VIEWS if view.kind == kind]


def rows_of(kind: str, state: object) -> list[tuple[str, str | None, str | None]]:
    """The name, the document and what is searched by, for each view of a kind, as `of_kind`."""
    return [(view.name, view.doc(state), view.sought(state)) for view in of_kind(kind)]
