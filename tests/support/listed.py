"""What rows of a list hold."""

from app.queries.page import PageResult
from app.queries.views import Row


def purposes(listed: PageResult[Row]) -> list[str]:
    return [row.folded.state.purpose for row in listed.items]
