import re
import time
from datetime import UTC, datetime
from typing import ClassVar
from xml.sax.saxutils import quoteattr

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.wire.data_contract import contract_name
from app.wire.evo.dto import (
    AI_NAMESPACE,
    API_NAMESPACE,
    AISessionActionInfo,
    AISessionInfo,
    AuthenticateResponse,
    Dto,
    ErrorResponse,
    ListResponse,
    ResponseError,
    ResponseStatus,
    UserInfo,
)
from app.wire.evo.requests import (
    GetAuthStatus,
    ListAISessions,
    NewAISession,
    PatchAISession,
    SortOrder,
)
from app.wire.json_text import MAX_DEPTH, BadInput
from app.wire.tree import Tree
from app.wire.xml_target import MOST_ELEMENTS, NAMESPACE_LENGTH
from app.wire.xml_text import read, write, write_pretty

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
INSTANCE = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)

PATCH_SAMPLE = """\
<PatchAISession xmlns:i="http://www.w3.org/2001/XMLSchema-instance" \
xmlns="http://schemas.datacontract.org/2004/07/Voice.Api.AI">
  <Purpose>String</Purpose>
  <SessionId>String</SessionId>
</PatchAISession>"""
NEW_SAMPLE = """\
<NewAISession xmlns:i="http://www.w3.org/2001/XMLSchema-instance" \
xmlns="http://schemas.datacontract.org/2004/07/Voice.Api.AI">
  <AccountId>String</AccountId>
  <Purpose>String</Purpose>
</NewAISession>"""
SESSION_SAMPLE = """\
<AISessionInfo xmlns:i="http://www.w3.org/2001/XMLSchema-instance" \
xmlns="http://schemas.datacontract.org/2004/07/Voice.Api.AI">
  <CreatedBy xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</CreatedBy>
  <DateCreated xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</DateCreated>
  <DateLastModified xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</DateLastModified>
  <Id xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</Id>
  <LastModifiedBy xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</LastModifiedBy>
  <AccountId>String</AccountId>
  <AccountName>String</AccountName>
  <Purpose>String</Purpose>
</AISessionInfo>"""


class SampleEntity(Dto, kw_only=True):
    """An entity as the samples have it: the dates, too, are `String`."""

    id: str = "String"
    date_created: str = "String"
    date_last_modified: str = "String"
    created_by: str = "String"
    last_modified_by: str = "String"


class SampleSession(SampleEntity, kw_only=True):
    namespace: ClassVar[str] = AI_NAMESPACE
    base: ClassVar[type[Dto] | None] = SampleEntity

    account_id: str = "String"
    account_name: str = "String"
    purpose: str = "String"


class AccountInfo(Dto, kw_only=True):
    """One of a third namespace."""

    namespace: ClassVar[str] = f"{API_NAMESPACE}.Accounts"

    name: str | None = None


class Holder(Dto, kw_only=True):
    """One that holds a DTO of another namespace."""

    account: AccountInfo | None = None


SAMPLES: list[tuple[str, Dto, str | None]] = [
    (PATCH_SAMPLE, PatchAISession(session_id="String", purpose="String"), None),
    (NEW_SAMPLE, NewAISession(account_id="String", purpose="String"), None),
    (SESSION_SAMPLE, SampleSession(), "AISessionInfo"),
]
SAMPLE_IDS = ["patch", "new", "session"]


def session(**members: object) -> AISessionInfo:
    stored = {"id": "s1", "dateCreated": NOON, "dateLastModified": NOON}
    by = {"createdBy": "kim", "lastModifiedBy": "lou"}
    return msgspec.convert({**stored, **by, **members}, AISessionInfo)


def body_of(value: Dto, kind: type[Dto] | None = None) -> str:
    """What is written between the tags of the root."""
    text = write(value, kind=kind).decode()
    return text[text.index(">", len(DECLARATION)) + 1 : text.rindex("<")]


def members_of(body: bytes) -> dict[str, Tree]:
    _, tree = read(body)
    assert isinstance(tree, dict)
    return tree


def refusal(body: bytes) -> str:
    with pytest.raises(BadInput, match=r"^Malformed XML: .") as refused:
        read(body)
    assert (refused.value.code, refused.value.field) == ("SerializationException", None)
    return str(refused.value)


@pytest.mark.parametrize(("sample", "value", "name"), SAMPLES, ids=SAMPLE_IDS)
def test_answers_are_the_documents_samples_without_layout(
    sample: str, value: Dto, name: str | None
) -> None:
    compact = "".join(line.strip() for line in sample.splitlines())
    assert write(value, name=name).decode() == DECLARATION + compact


@pytest.mark.parametrize(("sample", "value", "name"), SAMPLES, ids=SAMPLE_IDS)
def test_samples_for_people_are_those_of_the_documents(
    sample: str, value: Dto, name: str | None
) -> None:
    assert write_pretty(value, name=name) == sample


@pytest.mark.parametrize(("sample", "value", "name"), SAMPLES, ids=SAMPLE_IDS)
def test_samples_are_read(sample: str, value: Dto, name: str | None) -> None:
    root, tree = read(sample.encode())
    assert root == (name or type(value).__name__)
    assert isinstance(tree, dict)
    assert set(tree.values()) == {"String"}
    assert len(tree) == len(value.__struct_fields__)


def test_null_is_marked_and_what_is_absent_is_not_there() -> None:
    written = body_of(session(purpose=None, accountName="Acme"))
    assert '<AccountId i:nil="true"/><AccountName>Acme</AccountName><Purpose i:nil="true"/>' in (
        written
    )
    assert "Actions" not in written
    assert "<TotalCount>" not in body_of(
        ListResponse(items=[], has_more_pages=False), ListResponse[AISessionInfo]
    )


def test_dates_are_those_of_json() -> None:
    [date] = msgspec.json.decode(msgspec.json.encode([NOON]))
    assert members_of(write(session()))["DateCreated"] == date == "2026-11-21T12:00:00.123456Z"


def test_actions_are_in_the_namespace_of_their_session() -> None:
    action = AISessionActionInfo(
        date=NOON, id="x1", function_name="call", can_be_applied=True, arguments=""
    )
    assert body_of(session(actions=[action])).endswith(
        "<Actions><AISessionActionInfo><Arguments></Arguments><CanBeApplied>true</CanBeApplied>"
        '<Date>2026-11-21T12:00:00.123456Z</Date><Description i:nil="true"/>'
        "<FunctionName>call</FunctionName><Id>x1</Id></AISessionActionInfo></Actions>"
        '<Purpose i:nil="true"/>'
    )
    assert "<Actions/>" in body_of(session(actions=[]))


def test_texts_in_a_list_have_the_namespace_of_arrays() -> None:
    user = UserInfo(is_authenticated=False, roles=["a", ""], account_ids=["a1"], account_names=[])
    assert body_of(user) == (
        f'<AccountIds xmlns:d2p1="{ARRAYS}"><d2p1:string>a1</d2p1:string></AccountIds>'
        f'<AccountNames xmlns:d2p1="{ARRAYS}"/>'
        '<Id i:nil="true"/><IsAuthenticated>false</IsAuthenticated><Name i:nil="true"/>'
        f'<Roles xmlns:d2p1="{ARRAYS}"><d2p1:string>a</d2p1:string>'
        "<d2p1:string></d2p1:string></Roles>"
    )


def test_a_list_of_the_base_class_has_both_namespaces() -> None:
    request = ListAISessions(page=2, all=True, specific_ids=["s1"], sort_order=SortOrder.DESCEND)
    api = f'xmlns="{API_NAMESPACE}"'
    assert body_of(request) == (
        f'<All {api}>true</All><CountPerPage {api} i:nil="true"/><Page {api}>2</Page>'
        f'<SimplifiedPaging {api} i:nil="true"/><SortField {api} i:nil="true"/>'
        f"<SortOrder {api}>Descend</SortOrder>"
        f'<SpecificIds xmlns:d2p1="{ARRAYS}" {api}><d2p1:string>s1</d2p1:string></SpecificIds>'
        f'<AccountIds xmlns:d2p1="{ARRAYS}" i:nil="true"/>'
    )


def test_a_page_names_its_items_class_and_namespace() -> None:
    page = ListResponse[AISessionInfo](
        items=[session(purpose="p")], total_count=1, total_pages=1, has_more_pages=False
    )
    assert write(page, kind=ListResponse[AISessionInfo]).decode() == (
        f"{DECLARATION}<ListResponseOfAISessionInfokPYUDTdt {INSTANCE}"
        f' xmlns="{API_NAMESPACE}"><HasMorePages>false</HasMorePages>'
        f'<Items xmlns:d2p1="{AI_NAMESPACE}"><d2p1:AISessionInfo><CreatedBy>kim</CreatedBy>'
        "<DateCreated>2026-11-21T12:00:00.123456Z</DateCreated>"
        "<DateLastModified>2026-11-21T12:00:00.123456Z</DateLastModified>"
        "<Id>s1</Id><LastModifiedBy>lou</LastModifiedBy>"
        '<d2p1:AccountId i:nil="true"/><d2p1:AccountName i:nil="true"/>'
        "<d2p1:Purpose>p</d2p1:Purpose></d2p1:AISessionInfo></Items>"
        "<TotalCount>1</TotalCount><TotalPages>1</TotalPages></ListResponseOfAISessionInfokPYUDTdt>"
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (AISessionInfo, "AISessionInfo"),
        (ListResponse[AISessionInfo], "ListResponseOfAISessionInfokPYUDTdt"),
        (ListResponse[AccountInfo], "ListResponseOfAccountInfoLIonMsk5"),
        (str, "string"),
    ],
    ids=["class", "sessions", "accounts", "text"],
)
def test_a_generic_class_is_named_by_the_digest_of_its_parameters_namespace(
    kind: object, name: str
) -> None:
    assert contract_name(kind) == name


def test_a_digest_has_no_character_that_a_name_cannot_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for number in range(60):
        monkeypatch.setattr(AccountInfo, "namespace", f"urn:{number}")
        found.append(contract_name(ListResponse[AccountInfo]))
    form = re.compile(r"ListResponseOfAccountInfo([A-Za-z0-9]|_S|_P){8}")
    assert all(map(form.fullmatch, found))
    assert any("_S" in name for name in found)
    assert any("_P" in name for name in found)


def test_a_dto_of_another_namespace_has_a_prefix() -> None:
    assert body_of(Holder(account=AccountInfo(name="Acme"))) == (
        f'<Account xmlns:d2p1="{API_NAMESPACE}.Accounts"><d2p1:Name>Acme</d2p1:Name></Account>'
    )


def test_several_are_an_array() -> None:
    both = [NewAISession(purpose="1"), NewAISession(account_id="2")]
    array = (
        f'{DECLARATION}<ArrayOfNewAISession {INSTANCE} xmlns="{AI_NAMESPACE}">'
        '<NewAISession><AccountId i:nil="true"/><Purpose>1</Purpose></NewAISession>'
        '<NewAISession><AccountId>2</AccountId><Purpose i:nil="true"/></NewAISession>'
        "</ArrayOfNewAISession>"
    )
    assert write(both).decode() == array
    assert read(array.encode()) == (
        "ArrayOfNewAISession",
        {
            "NewAISession": [
                {"AccountId": None, "Purpose": "1"},
                {"AccountId": "2", "Purpose": None},
            ]
        },
    )


@pytest.mark.parametrize(
    ("kind", "root"),
    [(AISessionInfo, ("ArrayOfAISessionInfo", AI_NAMESPACE)), (None, ("ArrayOfanyType", ARRAYS))],
    ids=["with its class", "of nobody knows what"],
)
def test_an_empty_array_is_an_empty_element(kind: type[Dto] | None, root: tuple[str, str]) -> None:
    name, namespace = root
    assert write([], kind=kind).decode() == (
        f'{DECLARATION}<{name} {INSTANCE} xmlns="{namespace}"/>'
    )


def test_a_dto_without_members_is_an_empty_element() -> None:
    assert write(GetAuthStatus()).decode() == (
        f'{DECLARATION}<GetAuthStatus {INSTANCE} xmlns="{API_NAMESPACE}"/>'
    )


def test_an_error_keeps_the_order_of_its_class() -> None:
    status = ResponseStatus(error_code="NotFound", message="..", errors=[])
    assert write(ErrorResponse(response_status=status)).decode() == (
        f'{DECLARATION}<ErrorResponse {INSTANCE} xmlns="http://schemas.servicestack.net/types">'
        "<ResponseStatus><ErrorCode>NotFound</ErrorCode><Message>..</Message>"
        '<StackTrace i:nil="true"/><Errors/>'
        f'<Meta xmlns:d3p1="{ARRAYS}" i:nil="true"/></ResponseStatus></ErrorResponse>'
    )
    signed_in = AuthenticateResponse(user_id="u", roles=[], permissions=[])
    assert [*members_of(write(signed_in))][:3] == ["UserId", "SessionId", "UserName"]


def test_a_map_is_a_list_of_its_members() -> None:
    error = ResponseError(error_code="NotEmpty", message="", meta={"a": "<b>", "c": ""})
    assert body_of(error) == (
        '<ErrorCode>NotEmpty</ErrorCode><FieldName i:nil="true"/><Message></Message>'
        f'<Meta xmlns:d2p1="{ARRAYS}"><d2p1:KeyValueOfstringstring>'
        "<d2p1:Key>a</d2p1:Key><d2p1:Value>&lt;b&gt;</d2p1:Value></d2p1:KeyValueOfstringstring>"
        "<d2p1:KeyValueOfstringstring><d2p1:Key>c</d2p1:Key><d2p1:Value></d2p1:Value>"
        "</d2p1:KeyValueOfstringstring></Meta>"
    )


def test_a_sample_for_people_is_indented_at_every_level() -> None:
    page = ListResponse[AccountInfo](items=[AccountInfo(name="a\nb")], has_more_pages=True)
    assert write_pretty(page, kind=ListResponse[AccountInfo]) == (
        f'<ListResponseOfAccountInfoLIonMsk5 {INSTANCE} xmlns="{API_NAMESPACE}">\n'
        "  <HasMorePages>true</HasMorePages>\n"
        f'  <Items xmlns:d2p1="{API_NAMESPACE}.Accounts">\n'
        "    <d2p1:AccountInfo>\n"
        "      <d2p1:Name>a\nb</d2p1:Name>\n"
        "    </d2p1:AccountInfo>\n"
        "  </Items>\n"
        "</ListResponseOfAccountInfoLIonMsk5>"
    )
    assert write_pretty([session()]).splitlines()[1] == "  <AISessionInfo>"


HOSTILE = st.text(
    st.sampled_from(
        "a <>&\"']/\t\n\r\0\x01\x0b\x1f\x7f\x85\xa0\u2028\ud800\udfff\ufffe\uffff€\U0001f600"
    )
    | st.characters(),
    max_size=12,
)


@settings(max_examples=100)
@given(HOSTILE)
@example("]]>")
@example("\r\n\r")
@example("\U0010ffff\ufdd0")
def test_texts_come_through_with_u_fffd_for_what_xml_cannot_hold(text: str) -> None:
    members = members_of(write(NewAISession(purpose=text, account_id=text[:1])))
    kept = "".join(character if is_xml(character) else "\ufffd" for character in text)
    assert members == {"AccountId": kept[:1], "Purpose": kept}


def is_xml(character: str) -> bool:
    """The production `Char` of XML 1.0."""
    code = ord(character)
    return (
        character in "\t\n\r"
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or code >= 0x10000
    )


@settings(max_examples=25)
@given(HOSTILE)
def test_what_is_for_people_has_the_same_texts(text: str) -> None:
    value = session(accountId=text, purpose=text)
    assert read(write_pretty(value).encode()) == read(write(value))


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
        declared("utf-8").encode("utf-16"),
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
    ids=["UTF-16 that is UTF-8", "UTF-8 that is UTF-16", "Latin-1", "UTF-7", "declared UTF-32",
         "rot13", "unknown", "empty", "UTF-16 without mark", "UTF-32", "Latin-1 byte", "overlong",
         "surrogate", "half a character", "half a pair", "NUL in UTF-16", "EBCDIC"],
)  # fmt: skip
def test_other_encodings_and_lies_about_them_are_refused(body: bytes) -> None:
    assert "only UTF-8, and UTF-16 with a byte order mark, are read" in refusal(body)


def test_depth_has_a_limit() -> None:
    assert read(b"<R>" * MAX_DEPTH + b"</R>" * MAX_DEPTH)[0] == "R"
    for depth in (MAX_DEPTH + 1, 100_000):
        assert "deeper than 64" in refusal(b"<R>" * depth + b"</R>" * depth)


def test_elements_and_namespaces_have_limits() -> None:
    read(b"<R>" + b"<A/>" * (MOST_ELEMENTS - 1) + b"</R>")
    assert "elements" in refusal(b"<R>" + b"<A/>" * MOST_ELEMENTS + b"</R>")
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
