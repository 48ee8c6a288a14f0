"""How log lines look, and that nobody else's text can look like one."""

import json
import logging
import sys

import pytest

from app.telemetry.logs import JsonFormatter, TextFormatter, escaped, with_fields
from app.telemetry.request_id import REQUEST_ID

INJECTED = "kim\r\n2026 root \x1b[2J\x7f\x9b\u2028\u202eevil\ud800\0\t"


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("sessionary", logging.INFO, "", 0, message, arguments, None)
    made.created = 1_764_423_510.5
    made.__dict__.update(with_fields(extra))
    return made


def caught(message: str) -> logging.LogRecord:
    made = record("It failed")
    try:
        raise ValueError(message)
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


def test_a_line_of_json_has_all_that_is_fixed_and_the_fields_of_its_event() -> None:
    line = json.loads(
        JsonFormatter("worker-2").format(record("It %s", "went", attempts=3, of=None))
    )
    assert line == {
        "time": "2025-11-29T13:38:30.500000Z", "level": "INFO", "logger": "sessionary",
        "message": "It went", "requestId": None, "worker": "worker-2", "attempts": 3,
    }  # fmt: skip


def test_a_line_of_text_has_them_too() -> None:
    line = TextFormatter("worker-2").format(record("It %s", "went", user="a b=", attempts=3))
    assert line == (
        'INFO - 2025-11-29T13:38:30.500Z - worker-2 - sessionary - It went user="a b=" attempts=3'
    )


def test_a_line_names_the_request_that_it_is_about() -> None:
    token = REQUEST_ID.set("r-1")
    try:
        assert json.loads(JsonFormatter("main").format(record("")))["requestId"] == "r-1"
        assert TextFormatter("main").format(record("x")).endswith(" - x requestId=r-1")
    finally:
        REQUEST_ID.reset(token)


def test_a_field_cannot_pass_for_what_is_fixed() -> None:
    made = record("true", **{"level": "DEBUG", "time": "never"})
    made.__dict__["fields"]["message"] = "forged"
    line = json.loads(JsonFormatter("main").format(made))
    assert (line["message"], line["level"]) == ("true", "INFO")


@pytest.mark.parametrize("formatter", [TextFormatter("main"), JsonFormatter("main")])
def test_what_somebody_injects_stays_on_its_line_without_commands(
    formatter: logging.Formatter,
) -> None:
    for made in (record(INJECTED), record("%s", INJECTED), record("x", user=INJECTED)):
        line = formatter.format(made)
        assert line.isprintable(), line
        line.encode()
        if isinstance(formatter, JsonFormatter):
            values = [value for value in json.loads(line).values() if isinstance(value, str)]
            assert all(value.isprintable() for value in values)


@pytest.mark.parametrize("formatter", [TextFormatter("main"), JsonFormatter("main")])
def test_an_exceptions_message_cannot_begin_a_line(formatter: logging.Formatter) -> None:
    first, *more = formatter.format(caught(f"x\nINFO - forged\n{INJECTED}")).split("\n")
    assert first.isprintable()
    assert all(line.startswith("    ") and line.isprintable() for line in more)
    if isinstance(formatter, JsonFormatter):
        assert not more
        lines = json.loads(first)["exception"]
        assert "ValueError: x" in lines
        assert all(line.isprintable() for line in lines)


def test_what_postgresql_repeats_of_a_row_is_left_out() -> None:
    line = TextFormatter("main").format(caught("duplicate key\nDETAIL:  Key (name)=(Canary)"))
    assert "duplicate key" in line
    assert "Canary" not in line


def test_a_message_that_fits_no_arguments_is_written_as_it_is() -> None:
    assert TextFormatter("main").format(record("100 %", 1)).endswith(" - 100 %")


def test_plain_text_of_any_script_stays_as_it_is() -> None:
    assert escaped("Søren 名 😀") == "Søren 名 😀"
