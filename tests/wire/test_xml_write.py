"""How DTOs are written in XML: as .NET's data contracts have it."""

import re
from typing import ClassVar

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.documents import INFO_IN_XML, NEW_IN_XML, PATCH_IN_XML
from support.shown import NOON, NOON_IN_TEXT, session

from app.codecs.data_contract import contract_name
from app.codecs.dto import API_NAMESPACE, Dto
from app.codecs.value import Tree
from app.codecs.xml_text import read, write, write_pretty
from app.faces.evo.wire.dto import (
    AI_NAMESPACE,
    AISessionActionInfo,
    AISessionInfo,
    AuthenticateResponse,
    ErrorResponse,
    ListResponse,
    ResponseError,
    ResponseStatus,
    UserInfo,
)
from app.faces.evo.wire.requests import (
    GetAuthStatus,
    ListAISessions,
    NewAISession,
    PatchAISession,
    SortOrder,
)

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
INSTANCE = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"


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


SAMPLES: list[tuple[bytes, Dto, str | None]] = [
    (PATCH_IN_XML, PatchAISession(session_id="String", purpose="String"), None),
    (NEW_IN_XML, NewAISession(account_id="String", purpose="String"), None),
    (INFO_IN_XML, SampleSession(), "AISessionInfo"),
]
SAMPLE_IDS = ["patch", "new", "session"]


def body_of(value: Dto, kind: type[Dto] | None = None) -> str:
    """What is written between the tags of the root."""
    text = write(value, kind=kind).decode()
    return text[text.index(">", len(DECLARATION)) + 1 : text.rindex("<")]


def members_of(body: bytes) -> dict[str, Tree]:
    _, tree = read(body)
    assert isinstance(tree, dict)
    return tree


@pytest.mark.parametrize(("sample", "value", "name"), SAMPLES, ids=SAMPLE_IDS)
def test_answers_are_the_documents_samples_without_layout(
    sample: bytes, value: Dto, name: str | None
) -> None:
    compact = b"".join(line.strip() for line in sample.splitlines())
    assert write(value, name=name) == DECLARATION.encode() + compact


@pytest.mark.parametrize(("sample", "value", "name"), SAMPLES, ids=SAMPLE_IDS)
def test_samples_for_people_are_those_of_the_documents(
    sample: bytes, value: Dto, name: str | None
) -> None:
    assert write_pretty(value, name=name).encode() == sample


def test_null_is_marked_and_what_is_absent_is_not_there() -> None:
    written = body_of(session(purpose=None, account_name="Acme"))
    assert '<AccountId i:nil="true"/><AccountName>Acme</AccountName><Purpose i:nil="true"/>' in (
        written
    )
    assert "Actions" not in written
    assert "<TotalCount>" not in body_of(
        ListResponse(items=[], has_more_pages=False), ListResponse[AISessionInfo]
    )


def test_dates_are_those_of_json() -> None:
    [date] = msgspec.json.decode(msgspec.json.encode([NOON]))
    assert members_of(write(session()))["DateCreated"] == date == NOON_IN_TEXT


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
    value = session(account_id=text, purpose=text)
    assert read(write_pretty(value).encode()) == read(write(value))
