"""How log lines look: text for people or JSON for programs, from the first line on.

These are formatters of the standard library's `logging`, because all that logs here (the server,
asyncio, our own modules) ends there, and the server's configuration takes no other form. A further
library would only be another front to it.

What comes from outside is escaped in both forms: a name with a line end in it must not write a line
of its own, nor command a terminal.
"""

import json
import logging
import logging.config
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from app.telemetry.request_id import REQUEST_ID

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
ACCESS_LOGS = ("off", "errors", "slow", "all")
SECURITY = "sessionary.security"
"""The logger whose lines are written at every level."""
ACCESS = "sessionary.access"
"""The logger of the access log, which has an option of its own."""
MAIN = "main"
"""The name of the process that starts the workers."""
Fields = Mapping[str, object]
"""What an event's line has beside its message, by name; None is left out."""
_LONGEST = 4_000
"""Characters of a message or an exception; a much longer line could be mixed up with another's."""
_PLAIN = re.compile(r"[\w.:/@+-]+")
# Line ends, commands of terminals, changes of the direction of writing, halves of pairs.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_VALUES = ("DETAIL:", "CONTEXT:")
"""Lines of PostgreSQL's errors that repeat what somebody stored."""


class LogForm(Struct, frozen=True):
    """One of FORMATS, and the least of LEVELS that is written."""

    format: str
    level: str


def escaped(text: str) -> str:
    """A text on one line, without characters that a terminal or a reader of lines obeys."""
    return _UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return _NAMED.get(found[0]) or (f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}")


def with_fields(fields: Fields) -> dict[str, Any]:
    """The `extra` of a log call that gives its line the fields of an event."""
    return {"fields": {name: value for name, value in fields.items() if value is not None}}


class TextFormatter(logging.Formatter):
    """`INFO - 2026-11-29T14:18:10.577Z - worker-1 - sessionary - message name=value`."""

    def __init__(self, worker: str) -> None:
        """`worker`: the name of the process."""
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """One line; an exception's follow it, set in."""
        request_id = REQUEST_ID.get()
        ours = {"requestId": request_id} if request_id else {}
        words = [_message(record), *_pairs({**_fields(record), **ours})]
        head = f"{record.levelname} - {_time(record, 'milliseconds')} - {self._worker}"
        line = f"{head} - {record.name} - {' '.join(words)}"
        return "\n    ".join([line, *(escaped(each) for each in _exception(record).splitlines())])


class JsonFormatter(logging.Formatter):
    """An object a line: time, level, logger, message, requestId, worker, and the event's fields."""

    def __init__(self, worker: str) -> None:
        """`worker`: the name of the process."""
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "time": _time(record, "microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            "requestId": REQUEST_ID.get() or _fields(record).get("requestId"),
            "worker": self._worker,
        }
        for name, value in _fields(record).items():
            line.setdefault(name, escaped(value) if isinstance(value, str) else value)
        if exception := _exception(record):
            line["exception"] = [escaped(each) for each in exception.splitlines()]
        return json.dumps(line, default=lambda value: escaped(str(value)))


def _message(record: logging.LogRecord) -> str:
    try:
        said = record.getMessage()
    except (TypeError, ValueError):  # a line that fits no arguments is better than none
        said = str(record.msg)
    return escaped(said)[:_LONGEST]


def _time(record: logging.LogRecord, precision: str) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec=precision).replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> Fields:
    fields: Fields = getattr(record, "fields", {})
    return fields


def _pairs(fields: Fields) -> list[str]:
    texts = {name: escaped(str(value)) for name, value in fields.items()}
    return [
        f"{name}={text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)}"
        for name, text in texts.items()
    ]


def _exception(record: logging.LogRecord) -> str:
    """The frames and messages of an exception, without stored values; of a long one, the first line
    and the end.
    """
    if record.exc_info is None or record.exc_info[1] is None:
        return ""
    text = "".join(traceback.format_exception(record.exc_info[1]))
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(_VALUES)]
    told = "\n".join(lines)
    if len(told) <= _LONGEST:
        return told
    begun = f"{lines[0]}\n...\n"
    return begun + told[len(begun) - _LONGEST :]


def config(form: LogForm, worker: str) -> dict[str, Any]:
    """The configuration of a process: everything goes to stderr, in one form."""
    kind = JsonFormatter if form.format == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": kind, "worker": worker}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            SECURITY: {"level": "INFO"},
            ACCESS: {"level": "INFO"},
            "httpx": {"level": "WARNING"},  # a line for each request, with secrets of its URL
        },
        "root": {"handlers": ["stderr"], "level": form.level.upper()},
    }


def configure(form: LogForm, worker: str = MAIN) -> None:
    """Configure this process, and what Python itself warns of."""
    logging.config.dictConfig(config(form, worker))
    logging.captureWarnings(capture=True)
