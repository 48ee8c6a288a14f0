"""The forms of an answer: JSON, NDJSON, CSV or HTML of the same slice."""

from enum import Enum

from app.codecs.formats import accepted
from app.codecs.json_text import BadInput
from app.http.request import Request


class Form(Enum):
    """A form, and its name in suffixes and in `?format=`."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    HTML = "html"


CONTENT_TYPES = {
    Form.JSON: b"application/json; charset=utf-8",
    Form.NDJSON: b"application/x-ndjson",
    Form.CSV: b"text/csv; charset=utf-8",
    Form.HTML: b"text/html; charset=utf-8",
}
EVENT_STREAM = "text/event-stream"
_BY_NAME = {form.value: form for form in Form} | {"jsonl": Form.NDJSON}
SUFFIXES = frozenset({*_BY_NAME, "xml", "jsv"})
"""Those of the other faces, too: `as=` answers in their forms."""
_BY_MEDIA_TYPE = {
    "application/json": Form.JSON,
    "text/json": Form.JSON,
    "application/x-ndjson": Form.NDJSON,
    "application/ndjson": Form.NDJSON,
    "application/jsonl": Form.NDJSON,
    "text/jsonl": Form.NDJSON,
    "text/csv": Form.CSV,
    "text/html": Form.HTML,
    "application/xhtml+xml": Form.HTML,
    "application/*": Form.JSON,
    "text/*": Form.CSV,
}


def form_of(request: Request, usual: Form = Form.JSON) -> Form:
    """The form that a request asks for: by suffix, `format`, or Accept. Raises BadInput."""
    by_query = (value for name, value in request.pairs if name.lower() == "format")
    asked = request.suffix or next(by_query, "").strip()
    if asked:
        if asked.lower() not in _BY_NAME:
            listed = ", ".join(form.value for form in Form)
            raise BadInput(f"format is one of {listed}", field="format")
        return _BY_NAME[asked.lower()]
    for wanted in _accepted(request):
        if wanted in _BY_MEDIA_TYPE:
            return _BY_MEDIA_TYPE[wanted]
        if wanted == "*/*":
            break
    return usual


def wants_event_stream(request: Request) -> bool:
    """Whether the client asks for Server-Sent Events before anything else."""
    return not request.suffix and next(iter(_accepted(request)), "") == EVENT_STREAM


def _accepted(request: Request) -> tuple[str, ...]:
    header = request.headers.get(b"accept")
    return tuple(accepted(header)) if header else ()
