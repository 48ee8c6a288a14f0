"""What a browser gets at the routes of both APIs: pages of sessions and lists, and ways on."""

import httpx
from support.audited import ANNA, CANARY, Past
from support.person import ACCEPT, Person

BROWSER = {"Accept": ACCEPT}


def test_a_session_of_the_api_has_a_page_that_leads_to_its_history(
    anna: Person, past: Past
) -> None:
    anna.click("AI sessions")
    assert anna.path == "/ai/sessions"
    anna.open(f"/ai/sessions?specificIds={past.session}")  # there may be many before it
    anna.click(past.session)
    assert anna.answer.status_code == 200
    anna.click("History")
    assert anna.path == f"/audit/sessions/{past.session}/history"
    anna.open("/")
    anna.click("Chat sessions")
    assert anna.path == "/api/v1/ChatSession"
    anna.open(f"/api/v1/ChatSession?$filter=chatSessionId eq {past.chat}")
    anna.click(past.chat)
    assert "TableRight" not in anna.answer.text
    anna.click("History")
    assert anna.path == f"/audit/sessions/{past.chat}/history"


def test_pages_of_the_apis_link_to_what_programs_get(
    anna: Person, window: httpx.Client, past: Past
) -> None:
    for path, formats in (
        (f"/ai/sessions/{past.session}", ("JSON", "XML", "CSV", "JSV")),
        ("/ai/sessions?countPerPage=1", ("JSON", "XML", "CSV", "JSV")),
        (f"/api/v1/ChatSession/{past.chat}", ("JSON", "XML")),
        ("/api/v1/ChatSession?$top=1", ("JSON", "XML")),
    ):
        for name in formats:
            anna.open(path)
            anna.click(name)
            assert anna.answer.status_code == 200
            assert name.lower() in anna.answer.headers["content-type"]
        plain = window.get(path, auth=ANNA, headers={"Accept": "application/json"})
        assert plain.headers["content-type"].startswith("application/json")
        anna.open(path)
        anna.click("JSON")
        assert anna.answer.json() == plain.json() or "odata.nextLink" in plain.json()


def test_what_the_apis_offer_has_pages_with_a_link_to_what_programs_get(
    anna: Person, window: httpx.Client
) -> None:
    for path in ("/api", "/api/v1"):
        anna.open(path)
        assert anna.answer.headers["content-type"].startswith("text/html")
        assert "ChatSession" in anna.answer.text or "NewAISession" in anna.answer.text
        anna.click("JSON")
        plain = window.get(path, auth=ANNA, headers={"Accept": "application/json"})
        assert anna.answer.json() == plain.json()


def test_lists_of_the_apis_lead_on(anna: Person, past: Past) -> None:
    for path in ("/ai/sessions?countPerPage=1", "/api/v1/ChatSession?$top=1"):
        anna.open(path)
        first = anna.answer.text
        anna.click("More")
        assert anna.answer.status_code == 200
        assert anna.answer.text != first


def test_a_page_of_the_past_says_so(anna: Person, past: Past) -> None:
    anna.open(f"/ai/sessions/{past.session}?asOf=1")
    assert "This is not now" in anna.answer.text
    assert f"{CANARY} first" in anna.answer.text
    anna.click("JSON")
    assert anna.answer.json()["purpose"] == f"{CANARY} first"
    anna.open(f"/api/v1/ChatSession/{past.chat}?asOf=1")
    assert "This is not now" in anna.answer.text
    anna.open("/ai/sessions?asOf=now&countPerPage=1")
    anna.click("More")
    assert "asOf=now" in anna.path
