"""What a view is: a table with one row a stream, and the fold that fills it."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from domain.ids import StreamId
from projections.fold import Folded

ENVELOPE = (
    "stream_id", "partition", "version", "position",
    "created_by", "created_at", "modified_by", "modified_at", "doc",
)  # fmt: skip
"""The columns that the table of every view begins with, and that are read."""
WRITTEN = (*ENVELOPE, "search")
"""The columns that are written; all others are generated from `doc` and `search`."""

_ENCODER = msgspec.json.Encoder()


class View(Struct, frozen=True, kw_only=True):
    """One read view. Its table has the columns of WRITTEN, and those generated from two."""

    name: str
    """Also the name of its table."""
    kind: str
    """What its streams hold: the first part of their events' stored names."""
    state: type[Any]
    """What its documents are read as: of a current state, all that is folded."""
    evolve: Callable[[Any, Any], Any]
    """Shared by all views of a kind, as a command folds its events once."""
    gone: Callable[[Any], bool]
    """Whether a state has no row: deleted for clients."""
    session_id: Callable[[StreamId, Any], str]
    """The id under which the APIs know a stream, from the stream and its state."""
    shown: Callable[[Any], Any] = lambda state: state
    """What a document shows of what was folded; a current state shows all of it."""
    search: Callable[[Any], Mapping[str, int]] = lambda _: {}
    """What columns are generated from and the state does not say as plainly; by column."""

    def row(self, folded: Folded[Any]) -> tuple[Any, ...] | None:
        """What a stream has in the columns of WRITTEN; None if there is no row."""
        doc = self.doc(folded.state)
        if doc is None:
            return None
        audit = folded.audit
        return (
            folded.stream, folded.partition, folded.version, folded.position,
            audit.created_by, audit.created_at, audit.modified_by, audit.modified_at,
            doc, self.sought(folded.state),
        )  # fmt: skip

    def doc(self, state: object) -> str | None:
        """The row's document, as JSON text; None if there is no row."""
        return None if self.gone(state) else _ENCODER.encode(self.shown(state)).decode()

    def sought(self, state: object) -> str | None:
        """What a state is searched by beside its document, as JSON text; None for nothing."""
        found = None if self.gone(state) else self.search(state)
        return _ENCODER.encode(found).decode() if found else None
