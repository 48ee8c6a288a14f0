"""Names and namespaces in XML: as .NET's data contracts have them."""

import re

import pytest
from support.contracts import AccountInfo, body_of
from support.shown import NOON, session

from app.codecs.data_contract import contract_name
from app.codecs.dto import API_NAMESPACE, Dto
from app.codecs.xml_text import read, write
from app.faces.evo.wire.dto import (
    AI_NAMESPACE,
    AISessionActionInfo,
    AISessionInfo,
    ListResponse,
    UserInfo,
)
from app.faces.evo.wire.requests import ListAISessions, NewAISession, SortOrder

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
INSTANCE = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"


class Holder(Dto, kw_only=True):
    """One that holds a DTO of another namespace."""

    account: AccountInfo | None = None


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
