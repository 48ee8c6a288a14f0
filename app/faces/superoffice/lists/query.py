"""The query of a list: OData's options, as SuperOffice documents them."""

import re
from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec import Struct

from app.codecs.json_text import BadInput
from app.faces.superoffice.lists.columns import BY_NAME, COLUMNS
from app.faces.superoffice.lists.odata import Test, parse
from app.faces.superoffice.wire.api import ENTITY, MAX_ROWS_PER_PAGE

ROWS_PER_PAGE = 100
"""Default of `$top`. SuperOffice documents no number."""
MAX_ORDERS = 8
"""Maximum number of columns in `$orderby`."""
DEFAULT_COLUMNS = (
    "chatSessionId", "status", "chatTopic/chatTopicId", "agent", "whenRequested", "whenStarted",
    "whenEnded", "firstMessage", "lastMessage", "contactId", "personId", "rating", "updatedDate",
    "registeredDate",
)  # fmt: skip
"""Default of `$select`."""

_READ = {
    "$select", "$filter", "$orderby", "$entities", "$top", "$skip", "$skiptoken", "$mode",
    "$jsonsafe",
}  # fmt: skip
_TOLERATED = {"$options", "$context", "$output", "$format"}
_ORDER = re.compile(r"\s*(\S+)(?:\s+(asc|desc))?\s*", re.IGNORECASE)
_NUMBER = re.compile("[0-9]{1,10}")


class Mode(Enum):
    """The detail of a row; Wide equals Slim here, for no difference is documented."""

    SLIM = "slim"
    WIDE = "wide"
    FULL = "full"


class Sort(Struct, frozen=True):
    """A column to order by."""

    column: str
    descending: bool


class ListQuery(Struct, frozen=True, kw_only=True):
    """The rows of a list, their order, and their columns, whose names are spelt as documented."""

    filter: Test | None
    order: tuple[Sort, ...]
    """Empty: the order of the sessions' numbers."""
    top: int
    """Maximum number of rows on the page."""
    skip: int
    skip_token: str | None
    """The end of the previous page."""
    select: tuple[str, ...]
    mode: Mode
    json_safe: bool
    """Whether names of columns must consist of letters, digits and `_` only."""


def read_query(pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """The query of a list, from its decoded names and values; names are case-insensitive.

    Names without `$` are ignored, and so are the documented options without a meaning for sessions.
    Raises BadInput that names the option and its unknown part.
    """
    given = _options(pairs)
    _check_entities(given.get("$entities", ""))
    text = given.get("$filter", "")
    return ListQuery(
        filter=parse(text) if text.strip() else None,
        order=_order(given.get("$orderby", "")),
        top=min(_number("$top", given, ROWS_PER_PAGE), MAX_ROWS_PER_PAGE),
        skip=_number("$skip", given, 0),
        skip_token=given.get("$skiptoken") or None,
        select=_selected(given.get("$select", "")),
        mode=_mode(given.get("$mode", "")),
        json_safe=_truth("$jsonSafe", given.get("$jsonsafe", "")),
    )


def _options(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        option = name.lower()
        if not option.startswith("$") or option in _TOLERATED:
            continue
        if option not in _READ:
            raise BadInput(f"There is no option {name[:40]!r}", field=name[:40])
        if option in given:
            raise BadInput(f"{name} is given twice", field=name)
        given[option] = value
    return given


def _number(option: str, given: Mapping[str, str], default: int) -> int:
    text = given.get(option, "").strip()
    if not text:
        return default
    if not _NUMBER.fullmatch(text):
        raise BadInput(f"{option} takes a whole number from 0, not {text[:40]!r}", field=option)
    return int(text)


def _mode(text: str) -> Mode:
    try:
        return Mode(text.strip().lower() or "slim")
    except ValueError:
        message = f"$mode takes Slim, Wide or Full, not {text[:40]!r}"
        raise BadInput(message, field="$mode") from None


def _truth(option: str, text: str) -> bool:
    found = {"": False, "false": False, "true": True}.get(text.strip().lower())
    if found is None:
        raise BadInput(f"{option} takes true or false, not {text[:40]!r}", field=option)
    return found


def _check_entities(text: str) -> None:
    for name in _listed(text):
        if name.lower() != ENTITY:
            message = f"There is no entity {name[:40]!r} in this list, only {ENTITY!r}"
            raise BadInput(message, field="$entities")


def _selected(text: str) -> tuple[str, ...]:
    names = [_column(name, "$select") for name in _listed(text)]
    for name in names:
        if not COLUMNS[name].selectable:
            raise BadInput(f"{name} is for $filter only: it shows nothing", field="$select")
    return tuple(dict.fromkeys(names)) or DEFAULT_COLUMNS


def _order(text: str) -> tuple[Sort, ...]:
    found: dict[str, Sort] = {}
    for part in _listed(text):
        match = _ORDER.fullmatch(part)
        if match is None:
            message = f"$orderby takes columns, each with asc or desc or neither, not {part[:40]!r}"
            raise BadInput(message, field="$orderby")
        name = _column(match[1], "$orderby")
        if not COLUMNS[name].sortable:
            raise BadInput(f"There is no order by {name}", field="$orderby")
        # A repeated column has no further effect on the order.
        found.setdefault(name, Sort(name, (match[2] or "").lower() == "desc"))
    if len(found) > MAX_ORDERS:
        raise BadInput(f"$orderby takes {MAX_ORDERS} columns at the most", field="$orderby")
    return tuple(found.values())


def _column(name: str, option: str) -> str:
    known = BY_NAME.get(name.lower())
    if known is None:
        raise BadInput(f"There is no column {name[:40]!r} for {option}", field=option)
    return known


def _listed(text: str) -> list[str]:
    return [part for each in text.split(",") if (part := each.strip())]
