"""Bodies that no friend sends, in each format of the ServiceStack-style face."""

from msgspec import Struct

BOUNDARY = b"multipart/form-data; boundary=b"
_PART = b'--b\r\nContent-Disposition: form-data; name="MEMBER"\r\n\r\n%s\r\n'


class Target(Struct, frozen=True):
    """A command: its request, its verb and path, a member that holds a text, how long at most."""

    request: str
    method: str
    path: str
    member: str
    longest: int


TARGETS = [
    Target("NewAISession", "POST", "/ai/sessions", "purpose", 65_536),
    Target("PatchAISession", "PATCH", "/ai/sessions/{session}", "purpose", 65_536),
    Target("NewAccount", "POST", "/accounts", "name", 255),
    Target(
        "NewAISessionAction", "POST", "/ai/sessions/{session}/actions", "functionName", 255
    ),
]  # fmt: skip


class Bad(Struct, frozen=True):
    """A body for every target.

    OP is its request, MEMBER or CAMEL its member in either case, LONG a text that is too long.
    """

    body: bytes
    status: int = 400
    names_member: bool = False
    """Whether the refusal must say which member is at fault."""
    in_batches: bool = True
    """Whether a batch refuses it as well."""
    content_type: bytes | None = None
    """Where it is not the format's usual one."""

    def of(self, target: Target) -> bytes:
        """The body that goes to a target."""
        upper = target.member[0].upper() + target.member[1:]
        return (
            self.body.replace(b"OP", target.request.encode())
            .replace(b"MEMBER", upper.encode())
            .replace(b"CAMEL", target.member.encode())
            .replace(b"LONG", b"x" * (target.longest + 1))
        )


_LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (level + 1, b"&l%d;" % level * 10) for level in range(10)
)

XML = {
    "cut off": Bad(b"<OP><MEMBER>a</MEMBER>"),
    "cut off in a tag": Bad(b"<OP><MEMBER"),
    "closed by another name": Bad(b"<OP><MEMBER>a</OP></MEMBER>"),
    "two roots": Bad(b"<OP/><OP/>"),
    "something after it": Bad(b"<OP/>x"),
    "something before it": Bad(b"x<OP/>"),
    "another root": Bad(b"<html><MEMBER>a</MEMBER></html>"),
    "an array of something else": Bad(b"<ArrayOfOther><OP/></ArrayOfOther>"),
    "something else in an array": Bad(b"<ArrayOfOP><Other/></ArrayOfOP>"),
    "an array of texts": Bad(b"<ArrayOfOP>a</ArrayOfOP>"),
    "an array": Bad(b"<ArrayOfOP><OP/></ArrayOfOP>", in_batches=False),
    "text for an object": Bad(b"<OP>a</OP>"),
    "text beside elements": Bad(b"<OP>a<MEMBER>b</MEMBER></OP>"),
    "no object": Bad(b'<OP xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'),
    "a document type": Bad(b"<!DOCTYPE OP><OP/>"),
    "an entity": Bad(b'<!DOCTYPE a [<!ENTITY b "c">]><OP><MEMBER>&b;</MEMBER></OP>'),
    "a billion laughs": Bad(
        b'<!DOCTYPE a [<!ENTITY l0 "ha">' + _LAUGHS + b"]><OP><MEMBER>&l10;</MEMBER></OP>"
    ),
    "a file": Bad(
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><OP><MEMBER>&b;</MEMBER></OP>'
    ),
    "an unknown entity": Bad(b"<OP><MEMBER>&nbsp;</MEMBER></OP>"),
    "a bare ampersand": Bad(b"<OP><MEMBER>a & b</MEMBER></OP>"),
    "a NUL": Bad(b"<OP><MEMBER>a\0</MEMBER></OP>"),
    "a NUL by its number": Bad(b"<OP><MEMBER>&#0;</MEMBER></OP>"),
    "a control character": Bad(b"<OP><MEMBER>\x01</MEMBER></OP>"),
    "a surrogate by its number": Bad(b"<OP><MEMBER>&#xD800;</MEMBER></OP>"),
    "invalid UTF-8": Bad(b"<OP><MEMBER>\xff</MEMBER></OP>"),
    "Latin-1": Bad(b'<?xml version="1.0" encoding="ISO-8859-1"?><OP/>'),
    "UTF-7": Bad(b'<?xml version="1.0" encoding="UTF-7"?><OP/>'),
    "UTF-16 without a mark": Bad("<OP/>".encode("utf-16-le")),
    "half of UTF-16": Bad("<OP/>".encode("utf-16")[:-1]),
    "an unbound prefix": Bad(b"<a:OP/>"),
    "an attribute twice": Bad(b'<OP a="1" a="2"/>'),
    "a comment that is not closed": Bad(b"<OP/><!-- "),
    "65 levels": Bad(b"<OP>" + b"<a>" * 64 + b"</a>" * 64 + b"</OP>"),
    "100,000 levels": Bad(b"<a>" * 100_000),
    "60,000 elements": Bad(b"<OP>" + b"<a/>" * 60_000 + b"</OP>"),
    "a member twice": Bad(b"<OP><MEMBER>a</MEMBER><MEMBER>b</MEMBER></OP>", names_member=True),
    "elements for a text": Bad(b"<OP><MEMBER><a/></MEMBER></OP>", names_member=True),
    "too long a text": Bad(b"<OP><MEMBER>LONG</MEMBER></OP>", names_member=True),
    "JSON": Bad(b'["MEMBER"]'),
    "nothing but a declaration": Bad(b'<?xml version="1.0"?>'),
}
JSV = {
    "cut off": Bad(b"{MEMBER:a"),
    "no braces": Bad(b"MEMBER:a"),
    "a text": Bad(b'"MEMBER"'),
    "a quote that is not closed": Bad(b'{MEMBER:"a}'),
    "something after a quote": Bad(b'{MEMBER:"a"b}'),
    "something after it": Bad(b"{MEMBER:a}x"),
    "a brace too many": Bad(b"{MEMBER:a}}"),
    "the wrong bracket": Bad(b"{MEMBER:a]"),
    "a name alone": Bad(b"{MEMBER}"),
    "no name": Bad(b"{:a}"),
    "a comma too many": Bad(b"{MEMBER:a,}"),
    "a list": Bad(b"[a]"),
    "a list of objects": Bad(b"[{MEMBER:a}]", in_batches=False),
    "an empty list": Bad(b"[]", in_batches=False),
    "a list that is not closed": Bad(b"[{MEMBER:a}"),
    "a member twice": Bad(b"{MEMBER:a,MEMBER:b}"),
    "a member twice in two cases": Bad(b"{MEMBER:a,CAMEL:b}", names_member=True),
    "a list for a text": Bad(b"{MEMBER:[a]}", names_member=True),
    "an object for a text": Bad(b"{MEMBER:{a:b}}", names_member=True),
    "too long a text": Bad(b"{MEMBER:LONG}", names_member=True),
    "65 levels": Bad(b"{a:" * 65 + b"b" + b"}" * 65),
    "100,000 levels": Bad(b"{a:" * 100_000),
    "100,000 lists": Bad(b"[" * 100_000),
    "100,000 quotes": Bad(b'{MEMBER:"' + b'"' * 100_000),
    "a NUL": Bad(b"{MEMBER:a\0}"),
    "invalid UTF-8": Bad(b"{MEMBER:\xff}"),
    "JSON that is cut off": Bad(b'{"MEMBER":"a'),
    "JSON with a number for a text": Bad(b'{"MEMBER":1}', names_member=True),
}
CSV = {
    "a header alone": Bad(b"MEMBER"),
    "a header and no row": Bad(b"MEMBER\r\n\r\n"),
    "two rows": Bad(b"MEMBER\r\na\r\nb\r\n", in_batches=False),
    "too many cells": Bad(b"MEMBER\r\na,b\r\n"),
    "too few cells": Bad(b"MEMBER,Other\r\na\r\n"),
    "a column twice": Bad(b"MEMBER,MEMBER\r\na,b\r\n"),
    "a column without a name": Bad(b"MEMBER,\r\na,b\r\n"),
    "a quote that is not closed": Bad(b'MEMBER\r\n"a\r\n'),
    "something after a quote": Bad(b'MEMBER\r\n"a"b\r\n'),
    "a quote that is not closed, and 100,000 more": Bad(b'MEMBER\r\n"' + b'""' * 100_000),
    "a NUL": Bad(b"MEMBER\r\na\0\r\n"),
    "invalid UTF-8": Bad(b"MEMBER\r\n\xff\r\n"),
    "UTF-16": Bad("MEMBER\r\na\r\n".encode("utf-16")),
    "too long a text": Bad(b"MEMBER\r\nLONG\r\n", names_member=True),
    "JSON that is cut off": Bad(b'{"MEMBER":"a'),
    "JSON with a number for a text": Bad(b'{"MEMBER":1}', names_member=True),
    "an array": Bad(b'[{"MEMBER":"a"}]', in_batches=False),
}
FORM = {
    "a member twice": Bad(b"MEMBER=a&MEMBER=b", names_member=True),
    "a member twice in two cases": Bad(b"MEMBER=a&CAMEL=b", names_member=True),
    "invalid UTF-8": Bad(b"MEMBER=%ff"),
    "bare invalid UTF-8": Bad(b"MEMBER=\xff"),
    "a NUL": Bad(b"MEMBER=a%00", names_member=True),
    "a bare NUL": Bad(b"MEMBER=a\0", names_member=True),
    "1,001 pairs": Bad(b"&".join([b"a=b"] * 1_001)),
    "too long a text": Bad(b"MEMBER=LONG", names_member=True),
    "JSON that is cut off": Bad(b'{"MEMBER":"a'),
}
MULTIPART = {
    "cut off": Bad(_PART % b"a"),
    "no part": Bad(b"MEMBER=a"),
    "a part without a name": Bad(b"--b\r\nContent-Disposition: form-data\r\n\r\na\r\n--b--\r\n"),
    "a part without a header": Bad(b"--b\r\n\r\na\r\n--b--\r\n"),
    "another boundary": Bad(b"--c\r\n\r\na\r\n--c--\r\n"),
    "no boundary": Bad(_PART % b"a" + b"--b--\r\n", content_type=b"multipart/form-data"),
    "too long a boundary": Bad(b"--b--", content_type=BOUNDARY + b"b" * 2_000),
    "invalid UTF-8": Bad(_PART % b"\xff" + b"--b--\r\n"),
    "a NUL": Bad(_PART % b"\0" + b"--b--\r\n", names_member=True),
    "a member twice": Bad(_PART % b"a" + _PART % b"b" + b"--b--\r\n", names_member=True),
    "1,001 parts": Bad((_PART % b"a").replace(b"MEMBER", b"other") * 1_001 + b"--b--\r\n"),
    "too long a text": Bad(_PART % b"LONG" + b"--b--\r\n", names_member=True),
}
LINES = {
    "two lines": Bad(b'{"MEMBER":"a"}\n{"MEMBER":"b"}\n', in_batches=False),
    "a line that is cut off": Bad(b'{"MEMBER":"a"}\n{"MEMBER":"b"\n'),
    "a line that is no object": Bad(b'{"MEMBER":"a"}\n1\n'),
    "65 levels": Bad(b'{"MEMBER":"a"}\n{"a":' + b"[" * 64 + b"]" * 64 + b"}"),
    "a NUL": Bad(b'{"MEMBER":"a\\u0000"}\n', names_member=True),
    "invalid UTF-8": Bad(b'{"MEMBER":"\xff"}\n'),
}
UNKNOWN = {
    "a picture": Bad(b"\x89PNG\r\n\x1a\n", 415, content_type=b"image/png"),
    "plain text": Bad(b"a", 415, content_type=b"text/plain"),
    "no type": Bad(b"a", 415, content_type=b""),
    "a type with a NUL's name": Bad(b"a", 415, content_type=b"application/%00"),
    "JSON of no type that is cut off": Bad(b'{"MEMBER":"a', content_type=b""),
    "JSON in UTF-16": Bad(
        '{"MEMBER":"a"}'.encode("utf-16"), 415, content_type=b"application/json; charset=utf-16"
    ),
    "JSON in UTF-16 that nobody names": Bad(
        '{"MEMBER":"a"}'.encode("utf-16"), content_type=b"application/json"
    ),
}

CORPUS = {
    "xml": (b"application/xml", XML),
    "jsv": (b"text/jsv", JSV),
    "csv": (b"text/csv", CSV),
    "form": (b"application/x-www-form-urlencoded", FORM),
    "multipart": (BOUNDARY, MULTIPART),
    "jsonl": (b"text/jsonl", LINES),
    "unknown": (b"", UNKNOWN),
}
"""By format: its usual type, and the bodies."""
