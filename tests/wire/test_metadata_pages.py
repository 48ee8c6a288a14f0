"""The metadata pages, and what they and their neighbours answer with."""

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.documents import (
    INFO_IN_JSON,
    INFO_IN_JSV,
    INFO_IN_XML,
    NEW_IN_JSON,
    NEW_IN_XML,
    PATCH_IN_JSV,
    PATCH_IN_XML,
)
from support.html import WellFormed

from app.codecs.formats import FORMATS
from app.codecs.json_text import BadInput
from app.faces.docs import openapi
from app.faces.docs.face import ROUTES, PagesFace
from app.faces.docs.metadata import index_page, operation_page, tables, types_page
from app.faces.evo.wire.api import API
from app.faces.evo.wire.description import OperationDescription, operation
from app.faces.evo.wire.languages import LANGUAGES
from app.faces.evo.wire.requests import LISTED_IDS
from app.faces.evo.wire.samples import answer_sample, request_sample
from app.http.errors import Refusal
from app.http.head import read_head
from app.http.request import Reply
from app.service import Service
from app.settings import Settings
from domain.limits import ACCOUNT_NAME_LENGTH

URL = "https://sessions.example"
SERVICE = cast("Service", SimpleNamespace(settings=Settings(database_url="", master_key=b"")))


def known(name: str) -> OperationDescription:
    found = operation(name)
    assert found is not None
    return found


async def answer(path: str, query: bytes = b"", **parameters: str) -> Reply:
    scope: Any = {
        "headers": [(b"host", b"sessions.example")],
        "path": path,
        "query_string": query,
        "client": None,
        "scheme": "https",
        "method": "GET",
    }
    request = read_head(scope, behind_proxy=False, path=parameters)
    return await ROUTES[path]["GET"].handler(request, SERVICE)


@pytest.mark.parametrize(
    ("sample", "documented"),
    [
        (request_sample("NewAISession", "xml"), NEW_IN_XML),
        (request_sample("PatchAISession", "xml"), PATCH_IN_XML),
        (answer_sample("PatchAISession", "xml"), INFO_IN_XML),
        (request_sample("PatchAISession", "jsv"), PATCH_IN_JSV),
        (answer_sample("PatchAISession", "jsv"), INFO_IN_JSV),
        (request_sample("NewAISession", "json"), NEW_IN_JSON),
        (answer_sample("NewAISession", "json"), INFO_IN_JSON),
    ],
    ids=["new xml", "patch xml", "info xml", "patch jsv", "info jsv", "new json", "info json"],
)
def test_samples_are_those_of_the_documents(sample: str, documented: bytes) -> None:
    assert sample.encode() == documented


def test_tables_are_those_of_the_documents() -> None:
    told = {table.title: table.rows for table in tables(known("PatchAISession"))}
    assert [
        (row.name, row.parameter, row.type, row.required)
        for row in told["PatchAISession Parameters:"]
    ] == [("SessionId", "path", "string", False), ("Purpose", "query", "string", False)]
    assert [row.name for row in told["AISessionInfo Parameters:"]][:3] == [
        "AccountId",
        "AccountName",
        "Purpose",
    ]
    assert {row.parameter for row in told["EntityInfo Parameters:"]} == {"form"}


def test_members_of_a_posted_request_are_in_its_body() -> None:
    assert {row.parameter for row in tables(known("NewAISession"))[0].rows} == {"body"}


def test_an_enumeration_is_told_with_its_values() -> None:
    assert any(table.values == ("Ascend", "Descend") for table in tables(known("ListAISessions")))


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_operation_has_a_well_formed_page_without_foreign_links(format_name: str) -> None:
    for api in API:
        page = operation_page(known(api.name), format_name, URL)
        links = WellFormed(page).links
        assert all(link.startswith(("/", "?", "#")) and not link.startswith("//") for link in links)


@pytest.mark.parametrize(
    "page", [index_page(), types_page(URL), openapi.viewer_page()], ids=["index", "types", "viewer"]
)
def test_pages_load_nothing_from_elsewhere_and_have_no_inline_script(page: str) -> None:
    found = WellFormed(page)
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in found.links)
    assert found.inline_scripts == 0
    assert '<html lang="en">' in page


def test_the_viewer_finds_every_file_that_it_loads() -> None:
    files = re.findall(r'/schema/([\w.-]+\.(?:js|css|png))"', openapi.viewer_page())
    assert len(files) == 4
    assert all(openapi.viewer_file(file) for file in files)


def test_a_language_takes_the_place_of_the_tables() -> None:
    page = operation_page(known("PatchAISession"), "jsv", URL, LANGUAGES["python"])
    assert "class PatchAISession(IReturn[AISessionInfo], IPatch):" in page
    assert "PatchAISession Parameters:" not in page


def test_the_page_for_csv_says_that_json_in_it_is_no_csv() -> None:
    assert "one line of JSON" in operation_page(known("NewAISession"), "csv", URL)
    assert "one line of JSON" not in operation_page(known("NewAISession"), "xml", URL)


def test_words_in_backticks_are_code() -> None:
    assert "provider <code>logout</code>" in operation_page(known("Authenticate"), "json", URL)


def test_a_deletion_is_shown_without_bodies() -> None:
    page = operation_page(known("DeleteAISession"), "json", URL)
    assert "204 No Content" in page
    assert "Content-Type:" not in page


async def test_operations_are_found_in_any_case() -> None:
    reply = await answer("/json/metadata", b"OP=patchaisession")
    assert reply.status == 200
    assert b"<h1>PatchAISession</h1>" in reply.body


async def test_what_was_asked_for_in_vain_is_escaped() -> None:
    reply = await answer("/json/metadata", b"op=%3Cscript%3E")
    assert reply.status == 404
    assert b"<script>" not in reply.body


async def test_pages_come_with_a_policy_that_allows_no_script() -> None:
    policy = dict((await answer("/metadata")).headers)[b"content-security-policy"]
    assert b"default-src 'none'" in policy
    assert b"script-src" not in policy


async def test_an_unknown_language_is_answered_with_those_there_are() -> None:
    reply = await answer("/types/{language}", language="cobol")
    assert reply.status == 404
    assert all(name.encode() in reply.body for name in LANGUAGES)


async def test_types_name_the_service_by_the_address_that_was_asked() -> None:
    reply = await answer("/types/{language}", language="Python")
    assert b"BaseUrl: https://sessions.example\n" in reply.body


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (b"BaseUrl=https://x/*/alert(1)", "BaseUrl"),
        (b"BaseUrl=javascript:1", "BaseUrl"),
        (b"IncludeTypes=*/alert(1)", "IncludeTypes"),
        (b"includetypes=Nothing.*", "IncludeTypes"),
    ],
    ids=["end of a comment", "another scheme", "no name", "unknown name"],
)
async def test_options_cannot_leave_the_comment_that_they_stand_in(
    query: bytes, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await answer("/types/{language}", query, language="mjs")
    assert refused.value.field == field


async def test_other_options_are_ignored() -> None:
    reply = await answer(
        "/types/{language}", b"GlobalNamespace=X&MakePartial=False", language="mjs"
    )
    assert reply.status == 200


def test_errors_are_pages() -> None:
    reply = PagesFace().refuse(Refusal(405, "MethodNotAllowed", "POST is not <served>"), None)
    assert reply.status == 405
    assert b"POST is not &lt;served&gt;" in reply.body


def test_pages_are_open_to_anybody() -> None:
    operations = [one for at in PagesFace().routes.values() for one in at.values()]
    assert all(one.is_anonymous for one in operations)


def test_a_member_with_a_limit_shows_it() -> None:
    limits = {
        f"{row.name} of {table.title.split()[0]}": row.limit
        for name in ("NewAccount", "ListAISessions", "NewAISession")
        for table in tables(known(name))
        for row in table.rows
        if row.limit
    }
    assert limits["Name of NewAccount"] == f"At most {ACCOUNT_NAME_LENGTH} characters"
    assert limits["SpecificIds of ListRequest"] == f"At most {LISTED_IDS:,} items"
    assert "Purpose of NewAISession" in limits
    page = operation_page(known("NewAccount"), "json", URL)
    assert f"The name of the account; at most {ACCOUNT_NAME_LENGTH} characters" in page
