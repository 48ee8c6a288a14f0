"""The documents' samples in every format that they show, as bytes on a socket."""

import re
from collections.abc import Sequence

import httpx
import pytest
from support.documents import (
    INFO_IN_JSON,
    INFO_IN_JSV,
    INFO_IN_XML,
    NEW_IN_JSON,
    NEW_IN_JSV,
    NEW_IN_XML,
    PATCH_IN_JSON,
    PATCH_IN_JSV,
    PATCH_IN_XML,
)
from support.evo_messages import DECLARATION, documented
from support.service_process import ServiceProcess

# What a PATCH names has to be a session that is there.
PATCH_XML = PATCH_IN_XML.replace(b"<SessionId>String", b"<SessionId>%s")
PATCH_JSV = PATCH_IN_JSV.replace(b"sessionId: String", b"sessionId: %s")
PATCH_JSON = PATCH_IN_JSON.replace(b'"sessionId":"String"', b'"sessionId":"%s"')
MEMBERS = [
    "accountId", "accountName", "purpose",
    "id", "dateCreated", "dateLastModified", "createdBy", "lastModifiedBy",
]  # fmt: skip
ENTITY_FIRST = [*sorted(MEMBERS[3:]), *MEMBERS[:3]]

SAMPLES = {
    "xml": (b"application/xml", NEW_IN_XML, PATCH_XML),
    "xml on one line": (
        b"application/xml", NEW_IN_XML.replace(b"\n", b""), PATCH_XML.replace(b"\n", b""),
    ),
    "xml with a declaration": (
        b"application/xml", DECLARATION + NEW_IN_XML, DECLARATION + PATCH_XML,
    ),
    "xml by its other name": (b"text/xml", NEW_IN_XML, PATCH_XML),
    "jsv": (b"text/jsv", NEW_IN_JSV, PATCH_JSV),
    "jsv with CRLF": (
        b"text/jsv", NEW_IN_JSV.replace(b"\n", b"\r\n"), PATCH_JSV.replace(b"\n", b"\r\n"),
    ),
    "jsv on the wire": (
        b"text/jsv", b"{accountId:String,purpose:String}", b"{sessionId:%s,purpose:String}",
    ),
    "jsv by its other name": (b"application/jsv", NEW_IN_JSV, PATCH_JSV),
    "csv that is json": (b"text/csv", NEW_IN_JSON, PATCH_JSON),
    "csv": (
        b"text/csv", b"AccountId,Purpose\r\nString,String\r\n",
        b"SessionId,Purpose\r\n%s,String\r\n",
    ),
    "csv with bare line ends": (
        b"text/csv", b"AccountId,Purpose\nString,String", b"SessionId,Purpose\n%s,String",
    ),
    "json": (b"application/json", NEW_IN_JSON, PATCH_JSON),
    "json by its other name": (b"text/json", NEW_IN_JSON, PATCH_JSON),
}  # fmt: skip
"""By format: its type, the body of the POST, and that of the PATCH."""


def filled(sample: bytes, values: Sequence[str]) -> bytes:
    """A sample of an answer with values in place of its placeholders, in their order."""
    given = iter(values)
    return re.sub(rb"\bString\b", lambda _: next(given).encode(), sample)


def expected(media: bytes, session: dict[str, str]) -> bytes:
    """The documented answer without the layout for people, with a session's values."""
    values = [session[name] for name in MEMBERS]
    match media.rpartition(b"/")[2]:
        case b"xml":
            sample = re.sub(rb">\s+<", b"><", INFO_IN_XML)
            return DECLARATION + filled(sample, [session[name] for name in ENTITY_FIRST])
        case b"jsv":
            # A text with a colon is in quotes: in the sample no text has one.
            quoted = [f'"{value}"' if ":" in value else value for value in values]
            return filled(re.sub(rb"\s", b"", INFO_IN_JSV), quoted)
        case b"csv":
            header = ",".join(name[0].upper() + name[1:] for name in MEMBERS)
            return f"{header}\r\n{','.join(values)}\r\n".encode()
        case _:
            return filled(INFO_IN_JSON, values)


def content_type(media: bytes) -> str:
    """The type of an answer: the one that was asked for, and JSON's with its charset."""
    return "application/json; charset=utf-8" if media.endswith(b"json") else media.decode()


@pytest.mark.parametrize(("media", "new", "_patch"), SAMPLES.values(), ids=SAMPLES)
def test_the_documented_post_gets_the_documented_answer(
    served: ServiceProcess, admin: httpx.Client, media: bytes, new: bytes, _patch: bytes
) -> None:
    answer = documented(served, "POST", "/ai/sessions", new, media)
    assert (answer.status, answer.reason) == (200, "OK")
    assert answer.header("Content-Type") == content_type(media)
    session = newest(admin)
    assert (session["purpose"], session["accountName"]) == ("String", "String")
    assert answer.body == expected(media, session)


@pytest.mark.parametrize(("media", "_new", "patch"), SAMPLES.values(), ids=SAMPLES)
def test_the_documented_patch_gets_the_documented_answer(
    served: ServiceProcess, admin: httpx.Client, media: bytes, _new: bytes, patch: bytes
) -> None:
    made = admin.post("/ai/sessions", json={"accountId": "String", "purpose": "before"}).json()
    body = patch % made["id"].encode()
    answer = documented(served, "PATCH", f"/ai/sessions/{made['id']}", body, media)
    assert (answer.status, answer.reason) == (200, "OK")
    assert answer.header("Content-Type") == content_type(media)
    session = admin.get(f"/ai/sessions/{made['id']}").json()
    assert session["purpose"] == "String"
    assert session["dateLastModified"] > session["dateCreated"]
    assert answer.body == expected(media, session)


def newest(admin: httpx.Client) -> dict[str, str]:
    """The session that was created last."""
    query = "sortField=dateCreated&sortOrder=Descend&countPerPage=1"
    (session,) = admin.get(f"/ai/sessions?{query}").json()["items"]
    return dict(session)
