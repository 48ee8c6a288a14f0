"""What the SuperOffice-style face says of itself, and its links, lead where they say."""

import gzip

import httpx
import pytest
from defusedxml.ElementTree import fromstring
from support.chat_service import AGENT, ERROR, PATH, Chats
from support.patience import patient
from support.raw_http import send

EDM = "{http://schemas.microsoft.com/ado/2009/11/edm}"


def test_anybody_may_ask_for_the_version_and_follow_it_to_the_operations(chats: Chats) -> None:
    found = httpx.get(f"{chats.served.base_url}/api", timeout=patient(60.0)).json()
    assert (found["v1"], found["Version"]) == (f"{chats.served.base_url}/api/v1", "v1")
    assert httpx.get(found["v1"], timeout=patient(60.0)).status_code == 401
    operations = chats["audrey"].get(found["v1"]).json()
    session = operations[f"{chats.served.base_url}{PATH}/{{id}}"]
    assert list(session) == ["GET", "PUT", "PATCH", "DELETE"]
    assert all(text for verbs in operations.values() for text in verbs.values())
    assert f"{chats.served.base_url}{AGENT}/AddChatMessage" in operations


def test_a_list_s_metadata_names_all_that_its_rows_may_show(chats: Chats) -> None:
    client = chats["kim"]
    chats.new(Rating=5)
    page = client.get(PATH, params={"$top": 1, "$jsonSafe": "true"}).json()
    answer = client.get(page["odata.metadata"])
    assert answer.headers["Content-Type"] == "application/xml"
    types = {
        each.get("Name"): each.get("Type")
        for each in fromstring(answer.text).iter(f"{EDM}Property")
    }
    assert set(page["value"][0]) <= set(types)
    assert types["rating"] == "Edm.Int64"
    assert types["status"] == types["associateId"] == types["whenEnded"] == "Edm.String"


def test_a_long_list_is_followed_by_its_links(chats: Chats) -> None:
    new = [chats.new() for _ in range(3)]
    numbers = ",".join(map(str, [*new, *range(1_000_000, 1_000_930)]))
    link = f"{PATH}?$filter=chatSessionId oneOf ({numbers})&$top=2"
    found = []
    while link:
        page = chats["kim"].get(link).json()
        found += [int(row["PrimaryKey"]) for row in page["value"]]
        link = page["odata.nextLink"]
    assert found == sorted(new)


def test_a_list_whose_link_would_be_too_long_is_refused_at_once(chats: Chats) -> None:
    for _ in range(2):
        chats.new(CustomerName="q")
    many = "+or+".join([f"text+is+'{'a' * 65}'"] * 99)
    answer = chats["kim"].get(f"{PATH}?$top=1&$filter=getAllRows+eq+true+or+{many}")
    assert len(answer.request.url.raw_path) < 8_192
    assert (answer.status_code, list(answer.json())) == (400, ERROR)
    assert "the link to the next one would have" in answer.json()["ErrorMessage"]


def test_links_for_a_client_that_names_no_host_lead_back_to_where_it_came(chats: Chats) -> None:
    number = chats.new()
    head = f"GET {PATH}/{number} HTTP/1.0\r\nAuthorization: Bearer {chats.tokens['kim']}\r\n\r\n"
    links = send(chats.served.port, head.encode(), "GET").json()["_Links"]
    assert links["Self"] == f"{PATH}/{number}/"
    assert chats["kim"].get(links["Self"]).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "text/xml"])
def test_a_compressed_body_is_refused_by_name(chats: Chats, accept: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Accept": accept}
    answer = chats["kim"].post(PATH, content=gzip.compress(b'{"Rating":1}'), headers=headers)
    assert answer.status_code == 415
    assert answer.headers["Accept-Encoding"] == "identity"
    assert "gzip" in answer.text
