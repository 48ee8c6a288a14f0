"""What is read of XML, and what of it is malformed."""

import pytest
from support.documents import INFO_IN_XML, NEW_IN_XML, PATCH_IN_XML
from support.xml_refused import refusal

from app.codecs.value import Tree
from app.codecs.xml_text import read

INSTANCE = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'


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
