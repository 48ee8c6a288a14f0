"""The sessions that a view of personal data was about, by the scope that is on record."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from app.history.named import stream_named
from domain.ids import StreamId

_OF_SESSIONS = "/audit/sessions/"


def streams_viewed(scope: str) -> set[StreamId]:
    """The streams that a view asked for by name, whichever name that was."""
    found = set()
    for name in _names(scope):
        try:
            found.add(stream_named(name))
        except ValueError:  # no session then, and nothing was shown
            continue
    return found


def _names(scope: str) -> Iterator[str]:
    path, _, query = scope.partition("?")
    if path.startswith(_OF_SESSIONS):
        yield unquote(path.removeprefix(_OF_SESSIONS).partition("/")[0])
    for name, value in parse_qsl(query):
        if name == "session":
            yield value
