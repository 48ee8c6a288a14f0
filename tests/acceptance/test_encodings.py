"""What bodies are written in, on both faces: the mark, the charset and the declaration of XML."""

import codecs

import httpx
import pytest
from support.chat_service import Chats

NAME = "Zo\u00eb \u65e5"
LATIN_NAME = "Zo\u00eb"
UTF_16 = '<?xml version="1.0" encoding="utf-16"?>'
LATIN = "<?xml version='1.0' encoding='iso-8859-1'?>"

READ = {
    "a declaration of UTF-16 beside a charset": ("; charset=utf-8", UTF_16, "utf-8"),
    "a charset in quotes": ('; charset="UTF-8"', UTF_16, "utf-8"),
    "another spelling of the charset": ("; charset=UTF8", UTF_16, "utf-8"),
    "a declaration of Latin-1 beside a charset": ("; charset=utf-8", LATIN, "utf-8"),
    "another spelling of the declaration": ("", "<?xml version='1.0' encoding='UTF8'?>", "utf-8"),
    "a declaration in capitals": ("", "<?xml version='1.0' encoding=\"UTF-8\" ?>", "utf-8"),
    "a mark before a declaration of UTF-16": ("", UTF_16, "utf-8-sig"),
    "a mark before a declaration of Latin-1": ("", LATIN, "utf-8-sig"),
    "a mark before a foreign charset": ("; charset=iso-8859-1", LATIN, "utf-8-sig"),
    "UTF-16 with its mark": ("; charset=utf-16", UTF_16, "utf-16"),
    "UTF-16 with its mark and no charset": ("", UTF_16, "utf-16"),
    "a wide mark before all that is said": ("; charset=utf-8", LATIN, "utf-16"),
}
REFUSED = {
    "a declaration of UTF-16 alone": ("", UTF_16, "utf-8", 400),
    "Latin-1": ("", LATIN, "latin-1", 400),
    "windows-1252": ("", LATIN.replace("iso-8859-1", "windows-1252"), "cp1252", 400),
    "Latin-1 by its charset": ("; charset=iso-8859-1", LATIN, "latin-1", 415),
    "Latin-1 that is said to be UTF-8": ("; charset=utf-8", LATIN, "latin-1", 400),
    "UTF-8 that is said to be ASCII": ("; charset=us-ascii", "", "utf-8", 400),
    "UTF-16 without a mark": ("; charset=utf-16", UTF_16, "utf-16-le", 400),
    "UTF-16 of one order by its charset": ("; charset=utf-16le", UTF_16, "utf-16-le", 415),
    "UTF-32 with its mark": ("", "", "utf-32", 400),
    "a document type behind a mark": ("; charset=utf-8", "<!DOCTYPE a [<!ENTITY b SYSTEM "
                                      '"file:///etc/passwd">]>', "utf-8-sig", 400),
}  # fmt: skip
TYPES = ["application/xml", "text/xml", "application/soap+xml"]


def ai_session(prolog: str, encoding: str, name: str = NAME) -> bytes:
    return f"{prolog}<NewAISession><Purpose>{name}</Purpose></NewAISession>".encode(encoding)


def chat_session(prolog: str, encoding: str, name: str = NAME) -> bytes:
    root = "ChatSessionEntity"
    return f"{prolog}<{root}><CustomerName>{name}</CustomerName></{root}>".encode(encoding)


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize(("charset", "prolog", "encoding"), READ.values(), ids=READ)
def test_xml_is_read_by_its_mark_then_its_charset_then_its_declaration(
    admin: httpx.Client, chats: Chats, media_type: str, charset: str, prolog: str, encoding: str
) -> None:
    headers = {"Content-Type": media_type + charset, "Accept": "application/json"}
    for path in ("/ai/sessions", "/xml/reply/NewAISession?format=json"):
        answer = admin.post(path, content=ai_session(prolog, encoding), headers=headers)
        assert (answer.status_code, answer.json().get("purpose")) == (200, NAME), answer.text
    made = chats["admin"].post(
        "/api/v1/ChatSession", content=chat_session(prolog, encoding), headers=headers
    )
    assert (made.status_code, made.json().get("CustomerName")) == (200, NAME), made.text


@pytest.mark.parametrize(("charset", "prolog", "encoding", "status"), REFUSED.values(), ids=REFUSED)
def test_xml_in_anything_else_is_refused(
    admin: httpx.Client, chats: Chats, charset: str, prolog: str, encoding: str, status: int
) -> None:
    headers = {"Content-Type": f"application/xml{charset}", "Accept": "application/json"}
    bodies = (ai_session(prolog, encoding, LATIN_NAME), chat_session(prolog, encoding, LATIN_NAME))
    for client, path, body in zip(
        (admin, chats["admin"]), ("/ai/sessions", "/api/v1/ChatSession"), bodies, strict=True
    ):
        answer = client.post(path, content=body, headers=headers)
        assert answer.status_code == status, answer.text
        assert "XML" in answer.text or "charset" in answer.text or "us-ascii" in answer.text


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/json", '{"purpose":"é"}'),
        ("application/vnd.someone+json", '{"purpose":"é"}'),
        ("text/jsv", "{purpose:é}"),
        ("text/csv", "Purpose\r\né\r\n"),
        ("text/jsonl", '{"purpose":"é"}\n'),
        ("application/x-www-form-urlencoded", "purpose=é"),
    ],
)
def test_all_else_is_in_utf_8_with_or_without_a_mark(
    admin: httpx.Client, content_type: str, text: str
) -> None:
    for charset in ("", "; charset=utf-8", "; charset=UTF8"):
        for mark in (b"", codecs.BOM_UTF8):
            headers = {"Content-Type": content_type + charset, "Accept": "application/json"}
            answer = admin.post("/ai/sessions", content=mark + text.encode(), headers=headers)
            assert (answer.status_code, answer.json().get("purpose")) == (200, "é"), answer.text
    for body in (text.encode("latin-1"), text.encode("utf-16"), text.encode("utf-32")):
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        answer = admin.post("/ai/sessions", content=body, headers=headers)
        assert answer.status_code == 400, answer.text
