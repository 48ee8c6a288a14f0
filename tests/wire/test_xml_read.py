"""What is read of XML, and what is refused: all that could harm its reader."""

import codecs
import time
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import INFO_IN_XML, NEW_IN_XML, PATCH_IN_XML

from app.codecs.json_text import BadInput, TooManyValues
from app.codecs.limits import MAX_DEPTH, MAX_VALUES, NAMESPACE_LENGTH
from app.codecs.value import Tree
from app.codecs.xml_text import read

INSTANCE = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'


def refusal(body: bytes) -> str:
    with pytest.raises(BadInput, match=r"^Malformed XML: .") as refused:
        read(body)
    assert (refused.value.code, refused.value.field) == ("SerializationException", None)
    return str(refused.value)


@pytest.mark.parametrize(
    ("sample", "name", "members"),
    [
        (PATCH_IN_XML, "PatchAISession", {"Purpose", "SessionId"}),
        (NEW_IN_XML, "NewAISession", {"AccountId", "Purpose"}),
        (
            INFO_IN_XML,
            "AISessionInfo",
            {"CreatedBy", "DateCreated", "DateLastModified", "Id", "LastModifiedBy", "AccountId",
             "AccountName", "Purpose"},
        ),
    ],
    ids=["patch", "new", "session"],
)  # fmt: skip
def test_samples_are_read(sample: bytes, name: str, members: set[str]) -> None:
    assert read(sample) == (name, dict.fromkeys(members, "String"))


@pytest.mark.parametrize(
    ("body", "members"),
    [
        ("<R><B>2</B><A>1</A></R>", {"A": "1", "B": "2"}),
        ('<R xmlns="urn:other"><A>1</A></R>', {"A": "1"}),
        ('<p:R xmlns:p="urn:x" xmlns:q="urn:y"><q:A>1</q:A><p:A>2</p:A></p:R>', {"A": ["1", "2"]}),
        ("<R><Unknown><X/></Unknown></R>", {"Unknown": {"X": ""}}),
        ("<R><A>1</A><A>2</A><A/></R>", {"A": ["1", "2", ""]}),
        ("<R><A/><B></B><C> \n</C></R>", {"A": "", "B": "", "C": " \n"}),
        ("<R>\r\n\t<A> 1 </A>\r\n</R>", {"A": " 1 "}),
        ("<R><A>1<!-- not -->2<?nor this?>3</A></R>", {"A": "123"}),
        ("<R><A><![CDATA[<b> & ]]>]]&gt;</A></R>", {"A": "<b> & ]]>"}),
        ("<R><A>&lt;&#65;&#x1F600;&amp;</A></R>", {"A": "<A\U0001f600&"}),
        ("<R><A>1\r\n2\r3&#xD;</A></R>", {"A": "1\n2\n3\r"}),
        ('<R a="1" b:c="2" xmlns:b="urn:b"><A nil="true">x</A></R>', {"A": "x"}),
        (f'<R {INSTANCE}><A i:nil="true"/><B i:nil="1"></B></R>', {"A": None, "B": None}),
        (f'<R {INSTANCE}><A i:nil="false">x</A><B i:nil="false"/></R>', {"A": "x", "B": ""}),
        (f'<R {INSTANCE.replace(":i", ":xsi")}><A xsi:nil=" true "/></R>', {"A": None}),
        (f'<R {INSTANCE}><A i:nil="true"/><A>1</A></R>', {"A": [None, "1"]}),
        ('<?xml version="1.0"?>\n<!-- hello --><R><A>1</A></R>\n<!-- bye -->', {"A": "1"}),
        ("<R/>", {}),
        ("<R>\n</R>", {}),
        ("<R>text</R>", "text"),
        (f'<R {INSTANCE} i:nil="true"/>', None),
    ],
    ids=["any order", "another namespace", "several namespaces", "unknown",
         "repeated", "empty", "layout", "comments", "CDATA", "references", "line ends",
         "other attributes", "nil", "not nil", "another prefix", "nil in a list", "prolog",
         "empty root", "root with layout", "root with text", "nil root"],
)  # fmt: skip
def test_what_means_the_same_is_read(body: str, members: Tree) -> None:
    assert read(body.encode()) == ("R", members)


@pytest.mark.parametrize(
    "body",
    [
        "<R><A>é</A></R>".encode(),
        "\ufeff<R><A>é</A></R>".encode(),
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?><R><A>é</A></R>".encode(),
        "<R><A>é</A></R>".encode("utf-16"),
        '\ufeff<?xml version="1.0" encoding="utf-16"?><R><A>é</A></R>'.encode("utf-16-be"),
        '\ufeff<?xml version="1.0" encoding="UTF-16"?><R><A>é</A></R>'.encode("utf-16-le"),
    ],
    ids=["UTF-8", "with a mark", "declared", "UTF-16", "big end", "little end"],
)
def test_utf_8_and_marked_utf_16_are_read(body: bytes) -> None:
    assert read(body) == ("R", {"A": "\xe9"})


@pytest.mark.parametrize(
    "body",
    [
        '<R A="1"/>',
        '<R A="1"> \n</R>',
        "<R A=''></R>",
        '<R xmlns="urn:r" xmlns:i="urn:i" i:x="2" A="1"/>',
        '<R><B>1</B><C A="1"/></R>',
        '<R><C><D A="1"/></C></R>',
    ],
)
def test_an_element_of_attributes_alone_is_refused(body: str) -> None:
    assert "'A' of" in refusal(body.encode())


def test_attributes_beside_content_or_of_a_namespace_mean_nothing() -> None:
    body = '<R v="1"><A type="string">x</A><B xml:lang="en"/><C v="2"><D>1</D></C></R>'
    assert read(body.encode()) == ("R", {"A": "x", "B": "", "C": {"D": "1"}})


def laughs() -> str:
    entities = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
    return f'<!DOCTYPE R [<!ENTITY l0 "ha">{entities}]><R>&l9;</R>'


@pytest.mark.parametrize(
    "body",
    [
        laughs(),
        '<!DOCTYPE R [<!ENTITY a "' + "a" * 9_000 + '">]><R>' + "&a;" * 9_000 + "</R>",
        '<!DOCTYPE R [<!ENTITY x SYSTEM "file:///etc/passwd">]><R>&x;</R>',
        '<!DOCTYPE R [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><R/>',
        '<!DOCTYPE R SYSTEM "http://127.0.0.1:9/x.dtd"><R/>',
        '<!DOCTYPE R PUBLIC "-//X//Y" "file:///etc/passwd"><R/>',
        '<!DOCTYPE R [<!NOTATION n SYSTEM "x"><!ENTITY u SYSTEM "x" NDATA n>]><R/>',
        '<!DOCTYPE R [<!ATTLIST R xmlns CDATA "urn:x">]><R/>',
        "<!DOCTYPE R><R/>",
    ],
    ids=["billion laughs", "quadratic blowup", "external entity", "parameter entity",
         "external subset", "public identifier", "unparsed entity", "default attribute", "bare"],
)  # fmt: skip
def test_document_type_definitions_are_refused(body: str) -> None:
    assert "document type definition" in refusal(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"\xef\xbb\xbf", b"text", b"{}", b"<", b"<R", b"<R>", b"<R><A></R>", b"<R></r>",
        b"<R/><R/>", b"<R/>text", b"text<R/>", b" <?xml version='1.0'?><R/>", b"<R a=1/>",
        b"<R a='1' a='2'/>", b"<R a='<'/>", b"<1/>", b"<R>&unknown;</R>", b"<R>a & b</R>",
        b"<R>&#0;</R>", b"<R>&#xD800;</R>", b"<R>&#xFFFE;</R>", b"<R>&#x110000;</R>",
        b"<R>\0</R>", b"<R>\x01</R>", b"<R>\xef\xbf\xbf</R>", b"<R>]]></R>",
        b"<R><!-- -- --></R>", b"<R><![CDATA[</R>", b"<p:R/>", b"<R><p:A/></R>", b"<R p:a='1'/>",
        b"<R xmlns='urn:}A'/>", b"<R xmlns:p=''/>", b"<R xmlns:xml='urn:x'/>",
        b"<R><?xml version='1.0'?></R>",
        b"<R>text<A/></R>", b"<R><A/>text</R>", b"<R><A/>\xc2\xa0</R>",
        b"<R><A>1<B/></A></R>",
    ],
    ids=["nothing", "space", "mark", "text", "JSON", "bracket", "open tag", "no end",
         "crossed", "case of the end", "two roots", "text after", "text before",
         "late declaration", "bare attribute", "attribute twice", "bracket in an attribute",
         "name", "unknown entity", "ampersand", "reference to NUL", "reference to a surrogate",
         "reference to U+FFFE", "reference beyond Unicode", "NUL", "control character", "U+FFFF",
         "end of CDATA", "comment", "open CDATA", "prefix of the root", "prefix of a member",
         "prefix of an attribute", "brace in a namespace", "empty prefix", "prefix xml",
         "declaration inside", "text before a member", "text after a member",
         "no-break space beside a member", "text beside a nested member"],
)  # fmt: skip
def test_malformed_documents_are_refused(body: bytes) -> None:
    refusal(body)


def declared(encoding: str) -> str:
    return f"<?xml version='1.0' encoding={quoteattr(encoding)}?><R><A>e</A></R>"


@pytest.mark.parametrize(
    "body",
    [
        declared("utf-16").encode(),
        declared("iso-8859-1").replace("<A>e", "<A>é").encode("latin-1"),
        declared("utf-7").encode(),
        declared("utf-32").encode(),
        declared("rot13").encode(),
        declared("no-such-encoding").encode(),
        declared("").encode(),
        declared("utf-16").encode("utf-16-le"),
        declared("utf-32").encode("utf-32"),
        b"<R>\xe9</R>",
        b"<R>\xc0\x80</R>",
        b"<R>\xed\xa0\x80</R>",
        "<R/>".encode("utf-16")[:-1],
        "<R>".encode("utf-16") + b"\x00\xd8" + "</R>".encode("utf-16-le"),
        "<R>\0</R>".encode("utf-16"),
        b"\x4c\x6f\xa7\x94",
    ],
    ids=["UTF-16 that is UTF-8", "Latin-1", "UTF-7", "declared UTF-32",
         "rot13", "unknown", "empty", "UTF-16 without mark", "UTF-32", "Latin-1 byte", "overlong",
         "surrogate", "half a character", "half a pair", "NUL in UTF-16", "EBCDIC"],
)  # fmt: skip
def test_other_encodings_and_lies_about_them_are_refused(body: bytes) -> None:
    assert "only UTF-8, and UTF-16 with a byte order mark, are read" in refusal(body)


ACCENTED = b"<R><A>\xc3\xa9</A></R>"
LATIN = b"<?xml version='1.0' encoding='iso-8859-1'?>"
WIDE = b'<?xml version="1.0" encoding="utf-16"?>'


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (WIDE + ACCENTED, "utf-8"),
        (WIDE + ACCENTED, "utf8"),
        (LATIN + ACCENTED, "utf-8"),
        (codecs.BOM_UTF8 + LATIN + ACCENTED, ""),
        (codecs.BOM_UTF8 + WIDE + ACCENTED, "utf-16"),
        ((LATIN + ACCENTED).decode().encode("utf-16"), "utf-8"),
        ((LATIN + ACCENTED).decode().encode("utf-16"), ""),
        (b"<?xml version='1.0' encoding='UTF8'?>" + ACCENTED, ""),
        (b"<?xml version='1.0' encoding = 'Utf_8' ?>" + ACCENTED, ""),
        (ACCENTED, "utf-8"),
    ],
    ids=["charset over UTF-16", "another spelling", "charset over Latin-1", "mark over Latin-1",
         "mark over both", "wide mark over both", "wide mark over a declaration",
         "spelled UTF8", "spelled utf_8", "nothing declared"],
)  # fmt: skip
def test_a_mark_goes_before_the_charset_and_that_before_a_declaration(
    body: bytes, charset: str
) -> None:
    assert read(body, charset) == ("R", {"A": "\xe9"})


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"<R>\xe9</R>", "utf-8"),
        (LATIN + b"<R>\xe9</R>", "utf-8"),
        (codecs.BOM_UTF8 + b"<R>\xe9</R>", ""),
        (ACCENTED, "us-ascii"),
        (ACCENTED, "utf-16"),
        (b"<?xml version='1.0' encoding='us-ascii'?>" + ACCENTED, ""),
    ],
    ids=["charset", "charset over Latin-1", "mark", "ASCII", "UTF-16", "declared ASCII"],
)
def test_bytes_that_are_not_in_what_they_are_said_to_be_in_are_refused(
    body: bytes, charset: str
) -> None:
    with pytest.raises(BadInput, match="only UTF-8, and UTF-16"):
        read(body, charset)


def test_depth_has_a_limit() -> None:
    assert read(b"<R>" * MAX_DEPTH + b"</R>" * MAX_DEPTH)[0] == "R"
    for depth in (MAX_DEPTH + 1, MAX_VALUES):
        assert "deeper than 64" in refusal(b"<R>" * depth + b"</R>" * depth)


def test_elements_and_namespaces_have_limits() -> None:
    read(b"<R>" + b"<A/>" * (MAX_VALUES - 1) + b"</R>")
    with pytest.raises(TooManyValues, match="more than 10000 values"):
        read(b"<R>" + b"<A/>" * MAX_VALUES + b"</R>")
    read(b"<R xmlns='" + b"x" * NAMESPACE_LENGTH + b"'/>")
    assert "namespace" in refusal(b"<R xmlns='" + b"x" * (NAMESPACE_LENGTH + 1) + b"'/>")


@pytest.mark.parametrize(
    "body",
    [
        b"<R xmlns='" + b"x" * 500_000 + b"'>" + b"<A/>" * 120_000 + b"</R>",
        b"<R xmlns='" + b"x" * 1_000 + b"'>" + b"<A/>" * 250_000 + b"</R>",
        b"<R " + b"".join(b"a%d='' " % number for number in range(80_000)) + b"/>",
        b"<R>" + b"a<!---->" * 120_000 + b"</R>",
        b"<R>" + b"&amp;" * 200_000 + b"</R>",
        b"<R>" + b"<" * 1_000_000,
        b"<?xml " + b"encoding" * 125_000,
        b"<" + b"R" * 1_000_000,
    ],
    ids=["long namespace", "elements", "attributes", "comments", "references", "brackets",
         "declaration", "name"],
)  # fmt: skip
def test_no_document_keeps_its_reader_for_long(body: bytes) -> None:
    started = time.process_time()
    is_read_or_refused(body)
    # One that is read again for every element takes a minute.
    assert time.process_time() - started < 1.0


PIECES = st.sampled_from([
    b"<R>", b"</R>", b"<A", b">", b"/>", b" i:nil='true'", b" xmlns:i='urn:i'", b"&amp;", b"&x;",
    b"<!DOCTYPE R>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?xml", b"?>", b" encoding='utf-16'",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"text", b"'", b" version='1.0'",
])  # fmt: skip


@settings(max_examples=50)
@given(st.lists(PIECES | st.binary(max_size=3), max_size=12).map(b"".join))
def test_any_bytes_are_xml_or_refused(body: bytes) -> None:
    assert is_read_or_refused(body) or is_read_or_refused(b"<R>" + body + b"</R>")


def is_read_or_refused(body: bytes) -> bool:
    try:
        name, _ = read(body)
    except BadInput as error:
        return str(error).startswith("Malformed XML: ")
    return name != ""
