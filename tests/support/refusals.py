"""Refusals of the ServiceStack-style face in each format, and what of them is stored: nothing."""

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import asyncpg
from defusedxml.ElementTree import fromstring
from msgspec import Struct

from support.service_process import ServiceProcess

TYPES = "http://schemas.servicestack.net/types"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
STORED = """
SELECT (SELECT sum(position) FROM log_partition) - of_principals.count,
       (SELECT count(*) FROM stored_events) - of_principals.count,
       (SELECT count(*) FROM idempotency_key),
       (SELECT count(*)
          FROM stream_key AS k
         WHERE NOT EXISTS (SELECT
                             FROM stored_events AS e
                            WHERE e.partition = k.partition
                              AND e.originator_id = k.stream_id
                              AND e.topic LIKE 'principal.%'))
  FROM (SELECT count(*) FROM stored_events WHERE topic LIKE 'principal.%') AS of_principals
"""
"""All but what tells of the callers: a refusal is an event of theirs, a moment later, with the key
of their stream if it is the first."""
CONTENT_TYPES = {
    "json": "application/json; charset=utf-8",
    "xml": "application/xml",
    "jsv": "application/jsv",
    "csv": "text/csv",
    "jsonl": "text/jsonl",
}


class Refused(Struct, frozen=True):
    """A ResponseStatus."""

    code: str
    message: str
    fields: list[str]
    """The names of the members at fault."""
    meta: dict[str, str] = {}


def refused(format_: str, body: bytes) -> Refused:
    """The ResponseStatus in a body, once it is known to have the shape that its format asks for."""
    return READERS[format_](body.decode())


def from_json(text: str) -> Refused:
    """`{"responseStatus":{"errorCode":…,"message":…,"errors":[…]}}`."""
    body: dict[str, Any] = json.loads(text)
    assert list(body) == ["responseStatus"]
    status = body["responseStatus"]
    assert list(status)[:3] == ["errorCode", "message", "errors"]
    fields = [error["fieldName"] for error in status["errors"]]
    return known(Refused(status["errorCode"], status["message"], fields, status.get("meta", {})))


def from_lines(text: str) -> Refused:
    """One line of JSON."""
    assert text.count("\n") == 1
    return from_json(text)


def from_xml(text: str) -> Refused:
    """`<ErrorResponse><ResponseStatus>…`, members in the order of the data contract."""
    root = fromstring(text)
    assert root.tag == f"{{{TYPES}}}ErrorResponse"
    (status,) = root
    assert [tag(member) for member in status] == [
        "ErrorCode", "Message", "StackTrace", "Errors", "Meta",
    ]  # fmt: skip
    code, message, stack_trace, errors, meta = status
    assert stack_trace.attrib[NIL] == "true"
    fields = [error.findtext(f"{{{TYPES}}}FieldName") or "" for error in errors]
    pairs = {pair[0].text or "": pair[1].text or "" for pair in meta}
    return known(Refused(code.text or "", message.text or "", fields, pairs))


def from_jsv(text: str) -> Refused:
    """`{responseStatus:{errorCode:…,message:…,errors:[…]}}`."""
    assert text.startswith("{responseStatus:{errorCode:")
    assert text.endswith("}}")
    return from_status(text.removeprefix("{responseStatus:").removesuffix("}"))


def from_csv(text: str) -> Refused:
    """A column `ResponseStatus` whose cell is JSV."""
    assert text.endswith('"\r\n')
    header, row = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["ResponseStatus"]
    (cell,) = row
    return from_status(cell)


def from_status(text: str) -> Refused:
    """A ResponseStatus in JSV."""
    shape = r'\{errorCode:(\w+),message:("(?:[^"]|"")*"|[^":,{}]*),errors:\[(.*?)\]'
    found = re.fullmatch(shape + r"(?:,meta:\{(\w+):(\w+)\})?\}", text, re.DOTALL)
    assert found, text
    fields = re.findall(r"fieldName:([\w.-]+)", found[3])
    return known(Refused(found[1], found[2], fields, {found[4]: found[5]} if found[4] else {}))


def known(found: Refused) -> Refused:
    """A refusal that says something."""
    assert found.code
    assert found.message
    return found


def tag(element: Element) -> str:
    """The local name."""
    return element.tag.rpartition("}")[2]


READERS: dict[str, Callable[[str], Refused]] = {
    "json": from_json,
    "xml": from_xml,
    "jsv": from_jsv,
    "csv": from_csv,
    "jsonl": from_lines,
}


def stored(served: ServiceProcess) -> tuple[Any, ...]:
    """How much the log holds of everything."""

    async def ask() -> tuple[Any, ...]:
        connection = await asyncpg.connect(served.database_url)
        try:
            (row,) = await connection.fetch(STORED)
            return tuple(row)
        finally:
            await connection.close()

    with asyncio.Runner() as runner:
        return runner.run(ask())
