"""The values that filters of events may have, as far as there is a list of them."""

from collections.abc import Iterable, Mapping

from app.codecs.json_text import BadInput
from app.history.names import all_fields, shown_fields
from app.history.suggestions import others
from app.history.terms import type_name
from domain.stored import EVENTS


def known(name: str, text: str | None) -> str | None:
    """The value of a filter as events have it, from any case. Raises BadInput, naming others."""
    if text is None:
        return None
    values = _values(name)
    found = values.get(text.lower())
    if found is None:
        raise BadInput(f"--{name}: there is no {text!r}{others(text, _shown(name))}", field=name)
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


def _shown(name: str) -> Iterable[str]:
    """All values, as they are written."""
    return shown_fields() if name == "field" else _values(name).values()
