"""The definition of a view: a table with one row for each stream, and the fold that fills it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from domain.ids import StreamId
from projections.fold import Folded
from projections.sealing import Seal, Unseal, held, opened, sealed

ENVELOPE = (
    "stream_id", "partition", "version", "position",
    "created_by", "created_at", "modified_by", "modified_at", "doc",
)  # fmt: skip
"""The columns that every view's table begins with; these are read."""
WRITTEN = (*ENVELOPE, "search")
"""The columns that are written; PostgreSQL generates all others from `doc` and `search`."""

S = TypeVar("S", bound=Struct)

_ENCODER = msgspec.json.Encoder()


class View(Struct, frozen=True, kw_only=True):
    """One read view. Its table has the columns of WRITTEN, and columns generated from two."""

    projection: str
    """The name that operators know; it stays when the view changes."""
    version: int = 1
    """Raised when the fold or the columns change; a numbered migration brings the tables of it.

    Another version's rows are in other tables, so that releases of both run on one database.
    """
    kind: str
    """The kind of its streams: the first part of their events' stored names."""
    state: type[Any]
    """The type of its documents; a current state's document holds the whole folded state."""
    evolve: Callable[[Any, Any], Any]
    """The fold; all views of a kind share it, because a command folds its events once."""
    gone: Callable[[Any], bool]
    """Whether a state has no row because clients see it as deleted."""
    session_id: Callable[[StreamId, Any], str]
    """The id by which the APIs know a stream, from the stream and its state."""
    shown: Callable[[Any], Any] | None = None
    """The part of the folded state that a document shows; None: all of it, as a current state."""
    search: Callable[[Any], Mapping[str, int]] | None = None
    """Values for generated columns, by column, that the document does not hold as plainly."""

    name: str = ""
    """The name of this version, and of its table; it follows from the two above."""

    def __post_init__(self) -> None:
        """Name the version once: each command asks for the name."""
        force_setattr(self, "name", self.name_of(self.version))

    @property
    def former_names(self) -> list[str]:
        """Those of all versions before this one, whose workers may still run."""
        return [self.name_of(version) for version in range(1, self.version)]

    def name_of(self, version: int) -> str:
        """The name of a version."""
        return self.projection if version == 1 else f"{self.projection}_v{version}"

    @property
    def history(self) -> str:
        """The table of its rows' versions."""
        return f"{self.name}_history"

    def row(self, folded: Folded[Any], seal: Seal) -> tuple[Any, ...] | None:
        """A stream's values for the columns of WRITTEN; None if it has no row."""
        doc = self.doc(folded.stream, folded.state, seal)
        if doc is None:
            return None
        audit = folded.audit
        return (
            folded.stream, folded.partition, folded.version, folded.position,
            audit.created_by, audit.created_at, audit.modified_by, audit.modified_at,
            doc, self.sought(folded.state),
        )  # fmt: skip

    def doc(self, stream: StreamId, state: object, seal: Seal) -> str | None:
        """The row's document as JSON text, its secrets sealed; None if the state has no row."""
        encoded = self.encoded(stream, state, seal)
        return None if encoded is None else encoded.decode()

    def encoded(self, stream: StreamId, state: object, seal: Seal) -> bytes | None:
        """The same in UTF-8."""
        if self.gone(state):
            return None
        shown = state if self.shown is None else self.shown(state)
        if secret := held(state):
            shown = sealed(shown, secret, partial(seal, stream, self.name))
        return _ENCODER.encode(shown)

    def opened(self, stream: StreamId, state: S, doc: str, unseal: Unseal) -> S:
        """The state that was decoded from a row's document, with its secrets.

        Needed only for a document with `sealing.MARK` in it. Raises MsgspecError, or what
        `unseal` raises.
        """
        return opened(state, doc, partial(unseal, stream, self.name))

    def sought(self, state: object) -> str | None:
        """A state's search values beside its document, as JSON text; None if it has none."""
        if self.search is None:
            return None
        found = None if self.gone(state) else self.search(state)
        return _ENCODER.encode(found).decode() if found else None
