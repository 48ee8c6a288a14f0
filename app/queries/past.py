"""Turns the statement of a page into the same statement over the rows of a past moment."""

from collections.abc import Iterable, Sequence

from app.database.sql import blocks

SQL = blocks(__file__)


def as_of(
    cut: Sequence[int], views: Iterable[str], sql: str, arguments: Sequence[object]
) -> tuple[str, list[object]]:
    """A statement that reads views, and its arguments, as of a cut: the same text for all cuts.

    `cut`: the last position of each partition.
    """
    most, whole = len(arguments) + 1, len(arguments) + 2
    tables = ",\n".join(SQL["view"].format(view=view, most=most, cut=whole) for view in views)
    return f"WITH {tables}\n{sql}", [*arguments, max(cut), list(cut)]
