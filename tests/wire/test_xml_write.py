"""How DTOs are written in XML: their members, and how they look to people."""

from typing import ClassVar

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.contracts import AccountInfo, body_of
from support.documents import INFO_IN_XML, NEW_IN_XML, PATCH_IN_XML
from support.shown import NOON, NOON_IN_TEXT, session

from app.codecs.dto import API_NAMESPACE, Dto
from app.codecs.value import Tree
from app.codecs.xml_text import read, write, write_pretty
from app.faces.evo.wire.dto import (
    AI_NAMESPACE,
    AISessionInfo,
    AuthenticateResponse,
    ErrorResponse,
    ListResponse,
    ResponseError,
    ResponseStatus,
)
from app.faces.evo.wire.requests import GetAuthStatus, NewAISession, PatchAISession

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


SAMPLES: list[tuple[bytes, Dto, str | None]] = [
    (PATCH_IN_XML, PatchAISession(session_id="String", purpose="String"), None),
    (NEW_IN_XML, NewAISession(account_id="String", purpose="String"), None),
    (INFO_IN_XML, SampleSession(), "AISessionInfo"),
]
SAMPLE_IDS = ["patch", "new", "session"]


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
