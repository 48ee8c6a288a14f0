"""The scripts of the database's functions, with the views, their versions and the kinds filled in.

A new one of any makes a new text, so that the script is run again.
"""

import re
from collections.abc import Iterable, Mapping

from domain.event import kind_of
from domain.stored import EVENTS, UPCASTS
from projections import catalog

_KINDS = sorted({kind_of(topic) for topic in (*EVENTS, *UPCASTS)})
_FORM = re.compile(r"^ *-- (plain|distributed)\n(.*?)^ *-- end of \1\n", re.MULTILINE | re.DOTALL)
_PAIR = re.compile(r"^ *-- for each two versions\n(.*?)^ *-- end\n", re.MULTILINE | re.DOTALL)
_EACH = re.compile(r"^ *-- for each view\n(.*?)^ *-- end\n", re.MULTILINE | re.DOTALL)


def filled_in(texts: Iterable[str], form: str) -> list[str]:
    """Scripts as the database gets them; `form`: `plain` or `distributed`.

    All at once: what the views hold is found out once, at each start of a worker and a command.
    """
    members = catalog.members_of_all_versions()
    pairs = [{"view": view, "other": other} for view, other in catalog.pairs_of_versions()]
    views = [{"view": view, "members": held} for view, held in members.items()]
    names = {
        "kinds": ", ".join(f"'{kind}'" for kind in _KINDS),
        "views": ", ".join(f"'{view}'" for view in members),
    }
    found = []
    for text in texts:
        own = _FORM.sub(lambda part: part[2] if part[1] == form else "", text)
        found.append(_filled(_repeated(_EACH, _repeated(_PAIR, own, pairs), views), names))
    return found


def _repeated(marked: re.Pattern[str], text: str, those: Iterable[Mapping[str, str]]) -> str:
    """A script in which each marked part stands once for each of some."""

    def each(part: re.Match[str]) -> str:
        return "".join(_filled(part[1], names) for names in those)

    return marked.sub(each, text)


def _filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text
