"""Members of an entity that belong to the service: its id, rights and links.

Clients return them as they read them, which is ignored; any other change to them in a patch is
refused. Clients may have read them some time ago, under another name of this host. So links are
compared by path, and the links of carriers are ignored: these may have changed since.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.codecs.json_text import BadInput

SHOWN = {"tableright": "TableRight", "fieldproperties": "FieldProperties", "_links": "_Links"}
"""Those that are no fields, by lower-case name."""

_CARRIERS = frozenset({"person", "contact", "project", "sale", "ticket"})
"""Carriers with a link, by lower-case name."""
_URL = re.compile(r"https?://[^/]*(/.*)", re.DOTALL)

_NUMBERS = {"None": "0", "Read": "1", "Select": "1", "Update": "3", "URI": "7", "FULL": "15"}
"""Numbers of the masks that are shown; `Update` belongs to fields."""

Shown = Callable[[], Mapping[str, Any]]
"""The shown values of these members, by documented name; computed on demand."""


def nothing_shown() -> Mapping[str, Any]:
    """No such values, for a session that was shown with its fields only."""
    return {}


def refuse_other(name: str, given: object, shown: Shown) -> None:
    """Refuse a member of SHOWN, named in any case, unless the client returns it as shown."""
    known = SHOWN[name.lower()]
    if known == "_Links" and isinstance(given, dict):
        given = {key: value for key, value in given.items() if key.lower() not in _CARRIERS}
    if not is_as_shown(given, shown().get(known)):
        raise refused(name)


def refused(where: str) -> BadInput:
    """The refusal of a member that clients cannot change."""
    return BadInput("This cannot be changed", field=where)


def is_as_shown(given: object, shown: object, name: str = "") -> bool:
    """Whether a value equals the shown one or a part of it; null does. `name` is the member's.

    Names are case-insensitive and masks may be numbers, as the official client writes them.
    """
    match given, shown:
        case None, _:
            return True
        case dict(), dict():
            held = {known.lower(): value for known, value in shown.items()}
            return all(
                key.lower() in held and is_as_shown(value, held[key.lower()], key)
                for key, value in given.items()
            )
        case (bool(), _) | (_, bool()):
            return given is shown
        case _, str() if name.lower() == "mask":
            return str(given).lower() in (shown.lower(), _NUMBERS.get(shown))
        case str(), str():
            return given == shown or _path(given) == _path(shown)
        case _:
            return given == shown


def _path(link: str) -> str:
    """A link without its scheme and host; other texts unchanged."""
    found = _URL.fullmatch(link)
    return found[1] if found else link
