"""Turns a statement that reads views into the same statement over the rows of a past moment."""

from collections.abc import Iterable, Sequence

from app.database.sql import blocks

SQL = blocks(__file__)


def as_of(
    cut: Sequence[int],
    views: Iterable[str],
    sql: str,
    arguments: Sequence[object],
    *,
    first: bool = False,
) -> tuple[str, list[object]]:
    """A statement that reads views, and its arguments, as of a cut: the same text for all cuts.

    `cut`: the last position of each partition. `first`: of the streams that had a row, read the
    first one, for a statement to which all rows of a stream are alike.
    """
    numbers = {"most": len(arguments) + 1, "cut": len(arguments) + 2}
    rows = SQL["first" if first else "view"]
    tables = ",\n".join(rows.format(view=view, **numbers) for view in views)
    return f"WITH {tables}\n{sql}", [*arguments, max(cut), list(cut)]
