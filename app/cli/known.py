"""The values that filters of events may have, as far as there is a list of them."""

from collections.abc import Mapping
from difflib import get_close_matches

from app.codecs.json_text import BadInput
from app.history.names import all_fields, fields_of
from app.history.terms import type_name
from domain.stored import EVENTS
from projections.catalog import CURRENT


def known(name: str, text: str | None) -> str | None:
    """The value of a filter as events have it, from any case. Raises BadInput, naming others."""
    if text is None:
        return None
    values = _values(name)
    found = values.get(text.lower())
    if found is None:
        raise BadInput(f"--{name}: there is no {text!r}{_others(name, text)}", field=name)
    return found


def _values(name: str) -> Mapping[str, str]:
    """The values that are taken, by lower case."""
    if name == "field":
        return all_fields()
    if name == "type":
        topics = {type_name(topic) for topic in EVENTS}
        return {topic: topic for topic in topics} | {topic: type_name(topic) for topic in EVENTS}
    from app.faces.audit.filters import Known
    from app.main import all_faces

    *others, own = all_faces()
    faces = Known(others, own)
    return faces.faces if name == "face" else faces.operations


def _others(name: str, text: str) -> str:
    """Those that a person may have meant, or else all."""
    if name == "field":
        shown = {field for kind in CURRENT for field in fields_of(kind).values()}
    else:
        shown = set(_values(name).values())
    lower = {each.lower(): each for each in shown}
    close = get_close_matches(text.lower(), lower, n=5)
    if close:
        return f", but {', '.join(lower[each] for each in close)}"
    return f"; there are {', '.join(sorted(shown))}"
