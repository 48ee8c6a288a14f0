"""`GET /ops/activity`: what went on for each account and day."""

from datetime import UTC, datetime

from app.codecs.json_text import BadInput
from app.faces.ops.answers import answer, rows_of
from app.history.moments import parse_time
from app.http.request import Reply, Request
from app.operations.activity import MAX_ROWS, TooManyRows, activity
from app.pages.twins import Table
from app.service import Service

_PARAMETERS = ("since", "until", "account", "format")
_COLUMNS = ("day", "accountId", "opened", "changed", "closed", "actors")
_PAGE_ROWS = 200
_SHOWN = 60


async def get_activity(request: Request, service: Service) -> Reply:
    """`GET /ops/activity?since=&until=&account=`: whole days, newest first.

    An empty account stands for sessions without one. Raises BadInput, StoreDown.
    """
    given = _given(request)
    now = datetime.now(UTC)
    since, until = (
        None if not given.get(name) else parse_time(given[name], name, now=now)
        for name in ("since", "until")
    )
    try:
        found = await activity(
            service.pool,
            first=None if since is None else since.start.date(),
            last=None if until is None else until.end.date(),
            account=given.get("account"),
        )
    except TooManyRows:
        raise BadInput(
            f"There are more than {MAX_ROWS} rows: ask for one account, or for fewer days",
            field="since",
        ) from None
    table = Table(found, rows_of(found.activity), _COLUMNS)
    return answer(request, table, "activity", {"found": found, "given": given, "most": _PAGE_ROWS})


def _given(request: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for written, value in request.pairs:
        name = written.lower()
        if name not in _PARAMETERS:
            raise BadInput(
                f"There is no parameter {written[:_SHOWN]!r} here, but {', '.join(_PARAMETERS)}",
                field=written[:_SHOWN],
            )
        if name in given:
            raise BadInput(f"{name} is given twice", field=name)
        given[name] = value.strip()
    return given
