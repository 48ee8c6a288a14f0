"""The messages of the AI session API as others than the service write and read them.

Nothing in here is the service's own codec: a mistake that writes and reads alike would go unseen.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring
from msgspec import Struct

from support.raw_http import Answer, basic, send
from support.service_process import ADMIN, ServiceProcess

Members = Mapping[str, str]

BOUNDARY = "a-boundary"
DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>'
API = "http://schemas.datacontract.org/2004/07/Voice.Api"
HOSTILE_PURPOSES = {
    "quotes": "say \"hello\", 'you'",
    "doubled quotes": '""a""',
    "commas": "a,b,,c,",
    "braces and brackets": "{a:[b]}",
    "a brace that is not closed": "{",
    "a bracket that is not closed": "[a",
    "lines": "one\ntwo\r\nthree\rfour\n",
    "tabs": "\ta\tb\t",
    "an emoji and accents": "caf\u00e9 \U0001f600 \u4f60\u597d",
    "spaces around": "   a  ",
    "spaces only": "  ",
    "a formula": "=1+1",
    "markup": "<a href='x'>&amp; ]]> &#0;</a>",
    "backslashes": "C:\\new\\u0041",
    "percents and pluses": "100%25 + %zz",
    "looks like null": "null",
    "looks like a number": "0012.50",
    "looks like JSON": '{"purpose":"x"}',
    "looks like a header": "Purpose\r\nx",
    "line separators": "a\u2028b\u2029c\u0085d",
    "ends in a quote": 'a"',
    "one comma": ",",
    "a sample of JSV": "{\n\tpurpose: String\n}",
}


class Written(Struct, frozen=True):
    """A format of requests: what names it, and how the members of a request are written."""

    content_type: str
    write: Callable[[str, Members], str]

    def body(self, operation: str, members: Members) -> bytes:
        """The body of one request."""
        return self.write(operation, members).encode()


class Read(Struct, frozen=True):
    """A format of answers: what asks for it, the type that says so, and what reads one."""

    accept: str
    content_type: str
    read: Callable[[str], dict[str, str]]

    def members(self, body: bytes) -> dict[str, str]:
        """The members of one answer by camelCase names; those that are null are left out."""
        return self.read(body.decode())


def as_xml(operation: str, members: Members) -> str:
    """Data-contract XML, as .NET's clients write it."""
    texts = {name: escape(text, {"\r": "&#xD;"}) for name, text in sorted(members.items())}
    inner = "".join(f"<{pascal(name)}>{text}</{pascal(name)}>" for name, text in texts.items())
    return f'<{operation} xmlns="{API}.AI">{inner}</{operation}>'


def as_jsv(_operation: str, members: Members) -> str:
    """One line, unless a text has several."""
    return "{" + ",".join(f"{name}:{quoted(text)}" for name, text in members.items()) + "}"


def as_csv(_operation: str, members: Members) -> str:
    """A header and a row."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([map(pascal, members), members.values()])
    return text.getvalue()


def as_multipart(_operation: str, members: Members) -> str:
    """A part for each member."""
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in members.items()
    )
    return "".join(parts) + f"--{BOUNDARY}--\r\n"


def quoted(text: str) -> str:
    """A text in JSV: in quotes where it must be."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[":,{}\[\]\r\n]', text) else text


def pascal(name: str) -> str:
    """The name of a member in XML and CSV."""
    return name[:1].upper() + name[1:]


def camel(name: str) -> str:
    """The name of a member in JSON and JSV."""
    return name[:1].lower() + name[1:]


def from_json(text: str) -> dict[str, str]:
    """The members of an object."""
    found: dict[str, str] = json.loads(text)
    return found


def from_xml(text: str) -> dict[str, str]:
    """The elements of the root that are not nil, whatever their namespaces."""
    nil = "{http://www.w3.org/2001/XMLSchema-instance}nil"
    elements = [element for element in fromstring(text) if nil not in element.attrib]
    return {camel(each.tag.rpartition("}")[2]): each.text or "" for each in elements}


def from_jsv(text: str) -> dict[str, str]:
    """The members of a flat object."""
    member = re.compile(r'(\w+):(?:"((?:[^"]|"")*)"|([^,}"]*))(?:,|\}$)')
    assert text.startswith("{")
    found, at = {}, 1
    while at < len(text):
        match = member.match(text, at)
        assert match, text[at:]
        bare = match[3]
        found[match[1]] = match[2].replace('""', '"') if bare is None else bare
        at = match.end()
    return found


def from_csv(text: str) -> dict[str, str]:
    """The one row under the header."""
    header, row = rows(text)
    return {camel(name): cell for name, cell in zip(header, row, strict=True) if cell}


def rows(text: str) -> list[list[str]]:
    """All rows of CSV, the header first."""
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


REQUESTS = {
    "json": Written("application/json", lambda _operation, members: json.dumps(members)),
    "xml": Written("application/xml", as_xml),
    "jsv": Written("text/jsv", as_jsv),
    "csv": Written("text/csv", as_csv),
    "form": Written(
        "application/x-www-form-urlencoded", lambda _operation, members: urlencode(members)
    ),
    "multipart": Written(f"multipart/form-data; boundary={BOUNDARY}", as_multipart),
}
ANSWERS = {
    "json": Read("application/json", "application/json; charset=utf-8", from_json),
    "xml": Read("application/xml", "application/xml", from_xml),
    "jsv": Read("text/jsv", "text/jsv", from_jsv),
    "csv": Read("text/csv", "text/csv", from_csv),
    "jsonl": Read("text/jsonl", "text/jsonl", from_json),
}


def documented(
    served: ServiceProcess, method: str, path: str, body: bytes, media: bytes = b"application/json"
) -> Answer:
    """Send a message with the headers that its page prints, and credentials."""
    lines = (
        f"{method} {path} HTTP/1.1".encode(),
        b"Host: evovoice.io",
        b"Accept: " + media,
        b"Content-Type: " + media,
        b"Content-Length: %d" % len(body),
        b"Authorization: " + basic(*ADMIN),
    )
    return send(served.port, b"\r\n".join(lines) + b"\r\n\r\n" + body)
