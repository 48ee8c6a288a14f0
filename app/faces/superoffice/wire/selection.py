"""`$select`: the members of an entity that an answer shows; all others are nulled."""

from typing import Self, TypeVar

from msgspec import UNSET, Struct
from msgspec.structs import replace

S = TypeVar("S", bound=Struct)


class Selection(Struct, frozen=True):
    """The names in `$select`, in lower case, each with the selection below it.

    None below a name selects all of it.
    """

    members: dict[str, "Selection | None"]

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The selection that `$select` spells, `name,department,category/id`; None: everything.

        Case and blanks are ignored. Unknown names have no effect later.
        """
        selection = cls({})
        for path in text.lower().split(","):
            names = [name for part in path.split("/") if (name := part.strip())]
            if names:
                selection._add(names)
        return selection if selection.members else None

    def of(self, carrier: S) -> S:
        """The carrier with all unselected members null; absent members stay absent."""
        names = zip(carrier.__struct_fields__, carrier.__struct_encode_fields__, strict=True)
        shown = {
            name: self._shown(getattr(carrier, name), wire.lower())
            for name, wire in names
            if getattr(carrier, name) is not UNSET
        }
        return replace(carrier, **shown)

    def _add(self, names: list[str]) -> None:
        selection: Selection = self
        for name in names[:-1]:
            below = selection.members.setdefault(name, Selection({}))
            if below is None:
                return
            selection = below
        selection.members[names[-1]] = None

    def _shown(self, value: object, name: str) -> object:
        if name not in self.members:
            return None
        below = self.members[name]
        return below.of(value) if below is not None and isinstance(value, Struct) else value
