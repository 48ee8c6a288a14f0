"""All views.

A new view is a file here, a line below, and a numbered file in `migrations/` with its table and the
table of its history. A new version of a view is another number in its file, and such a migration.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations

from domain.event import Event, kind_of
from domain.ids import StreamId
from projections import (
    account_info,
    ai_session_info,
    audit_trail,
    chat_session_entity,
    erasing,
    legal_hold,
    principal,
)
from projections.sealing import Seal
from projections.view import View

VIEWS: Sequence[View] = (
    ai_session_info.VIEW,
    chat_session_entity.VIEW,
    account_info.VIEW,
    principal.VIEW,
    audit_trail.VIEW,
    legal_hold.VIEW,
)
"""All views. The first of each kind is the current state; the others show the same streams in
other ways."""

CURRENT: Mapping[str, View] = {view.kind: view for view in reversed(VIEWS)}
"""For each kind, the view whose rows are the snapshots that commands are decided on."""

_BY_KIND = {kind: [view for view in VIEWS if view.kind == kind] for kind in CURRENT}


def tables() -> list[str]:
    """The tables of all views, and those of their histories."""
    return [name for view in VIEWS for name in (view.name, view.history)]


def names_of_all_versions() -> list[str]:
    """The names of all versions of all views: workers of an older release write theirs."""
    return [name for view in VIEWS for name in (*view.former_names, view.name)]


def members_of_all_versions() -> dict[str, str]:
    """The same names, each with the members of its documents that hold personal data, as JSON."""
    return {
        name: erasing.as_json(view) for view in VIEWS for name in (*view.former_names, view.name)
    }


def pairs_of_versions() -> list[tuple[str, str]]:
    """The names of each two versions of a view, either one first."""
    return [
        pair
        for view in VIEWS
        if view.version > 1
        for pair in permutations([*view.former_names, view.name], 2)
    ]


def view_of(event: Event) -> View:
    """The view that holds the current state of an event's stream."""
    return CURRENT[kind_of(event.topic)]


def of_kind(kind: str) -> Sequence[View]:
    """All views of a kind, the current state first."""
    return _BY_KIND.get(kind, ())


def further_rows(
    kind: str, stream: StreamId, state: object, seal: Seal
) -> list[tuple[str, str | None, str | None]]:
    """The name, document and search values of each view of a kind beyond its current state."""
    if len(VIEWS) == len(CURRENT):
        return []
    return [
        (view.name, view.doc(stream, state, seal), view.sought(state)) for view in of_kind(kind)[1:]
    ]
