"""Members of an entity that are the service's own: its id, rights and links.

Clients send them back as they read them, and that says nothing; whatever else a patch says of them
is refused. They may have read them a while ago, and by another name of this host: a link counts as
its path, and the links of carriers follow from these, which may have changed since.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.codecs.json_text import BadInput

SHOWN = {"tableright": "TableRight", "fieldproperties": "FieldProperties", "_links": "_Links"}
"""Those that are no fields, by their names in lower case."""

_CARRIERS = frozenset({"person", "contact", "project", "sale", "ticket"})
"""Those that have a link, by their names in lower case."""
_URL = re.compile(r"https?://[^/]*(/.*)", re.DOTALL)

_NUMBERS = {"None": "0", "Read": "1", "Select": "1", "Update": "3", "URI": "7", "FULL": "15"}
"""Of the masks that are shown: `Update` is one of a field."""

Shown = Callable[[], Mapping[str, Any]]
"""What the caller is shown of them, by their documented names; made when it is asked for."""


def nothing_shown() -> Mapping[str, Any]:
    """For a session of which nothing but its fields was shown."""
    return {}


def refuse_other(name: str, given: object, shown: Shown) -> None:
    """Refuse a member of SHOWN, named in any case, unless it is given back as it was shown."""
    known = SHOWN[name.lower()]
    if known == "_Links" and isinstance(given, dict):
        given = {key: value for key, value in given.items() if key.lower() not in _CARRIERS}
    if not is_as_shown(given, shown().get(known)):
        raise refused(name)


def refused(where: str) -> BadInput:
    """What is told of a member that is not the client's to change."""
    return BadInput("This cannot be changed", field=where)


def is_as_shown(given: object, shown: object, name: str = "") -> bool:
    """Whether a value is what was shown, or a part of it; null says nothing. `name`: the member's.

    Names go in any case and masks by number, as the official client writes them.
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
    """What a link names, by whatever name of the host; a text that is no link as it is."""
    found = _URL.fullmatch(link)
    return found[1] if found else link
