"""The pages of auditors, followed link by link and form by form, without scripts."""

from urllib.parse import quote

import httpx
import pytest
from support.audited import ANNA, CANARY, MAX, Past, added
from support.person import ACCEPT, Person, crawl
from support.service_process import ADMIN, ServiceProcess

BROWSER = {"Accept": ACCEPT}


def test_who_changed_this_field(anna: Person, past: Past) -> None:
    anna.send("/audit/go", to=past.session)
    assert anna.path == f"/audit/sessions/{past.session}/history"
    anna.click("State")
    anna.click("all who set it")  # (of the account, which comes first)
    assert "field=accountId" in anna.path
    anna.click("State")
    row = anna.answer.text.partition(">purpose</th>")[2].partition("</tr>")[0]
    assert "version 3" in row
    assert ADMIN[0] in row
    assert anna.clicks <= 5


def test_what_did_it_look_like_then(anna: Person, past: Past) -> None:
    anna.send("/audit/go", to=past.session)
    anna.click("state then")
    assert "This is not now." in anna.answer.text
    assert "version 1 of 3" in anna.answer.text
    state = f"/audit/sessions/{past.session}"
    anna.send(state, asOf="2", compare="3", tz="Europe/Oslo")
    assert "understood as version 2" in anna.answer.text
    assert "From version 2 to version 3" in anna.answer.text
    assert CANARY not in anna.answer.text
    anna.send(state, asOf="now", tz="Europe/Oslo")
    assert "This is not now." not in anna.answer.text
    assert " CET" in anna.answer.text or " CEST" in anna.answer.text
    assert anna.clicks <= 6


def test_what_did_this_actor_do_between_two_dates(anna: Person, past: Past) -> None:
    anna.click("Events")
    anna.send("/audit/events", actor=MAX[0], since="today", until="now")
    assert anna.answer.status_code == 200
    assert "changed the AI session" in anna.answer.text
    assert f"/audit/events?actor={ADMIN[0]}" not in anna.answer.text
    assert "from 20" in anna.answer.text, "it says how it understood the date"
    assert anna.clicks <= 3
    anna.click("PatchAISession")
    assert f"actor={MAX[0]}" in anna.path, "what is clicked narrows further"
    assert "operation=PatchAISession" in anna.path
    chips = [url for text, url in anna.page.texts if text == "✕"]
    assert len(chips) == 4
    anna.open(next(url for url in chips if "operation" not in url))
    assert "operation" not in anna.path


def test_export_that(anna: Person, past: Past) -> None:
    anna.click("Events")
    anna.send("/audit/events", session=past.session)
    shown = anna.answer.text.count('<li id="e-')
    anna.click("CSV")
    assert anna.answer.headers["content-type"].startswith("text/csv")
    assert len(anna.answer.text.splitlines()) == shown + 1 == 4
    assert CANARY not in anna.answer.text
    assert anna.clicks <= 4


def test_every_link_leads_somewhere_and_no_page_shows_masked_data(
    anna: Person, window: httpx.Client, past: Past
) -> None:
    seen = crawl(anna, "/audit/events?limit=12", 220)
    for start in (f"/audit/sessions/{past.chat}", "/audit/access?limit=5"):
        seen |= crawl(anna, start, 60)
    assert {path: status for path, status in seen.items() if status != 200} == {}
    assert any("/history" in path for path in seen)
    for path in seen:
        if path.startswith("/audit"):
            assert CANARY not in window.get(path, headers=BROWSER).text, path


def test_a_page_of_a_list_has_fifty_and_leads_on(anna: Person, past: Past) -> None:
    anna.open(f"/audit/sessions/{past.many}/history")
    assert anna.answer.text.count('<li id="e-') == 50
    anna.click("Later")
    assert 10 <= anna.answer.text.count('<li id="e-') <= 20
    anna.click("From the beginning")
    anna.click("The last 50")
    assert "posted a message" in anna.answer.text
    anna.open(f"/audit/events?session={past.many}")
    first = anna.page.ids
    anna.click("Older")
    assert set(first) & {each for each in anna.page.ids if each.startswith("e-")} == set()
    anna.click("Newest")
    assert anna.page.ids == first
    anna.open(f"/audit/events?session={past.many}&unfold=true")
    assert "<details open>" in anna.answer.text
    assert "<details><summary>Message" not in anna.answer.text


def test_personal_data_is_shown_for_a_reason_which_goes_on_record(anna: Person, past: Past) -> None:
    path = f"/audit/sessions/{past.chat}/history"
    anna.open(path)
    assert "Z•••" in anna.answer.text
    anna.send(path, button="personal", reason="ticket 4711")
    assert f"{CANARY} parcel 1" in anna.answer.text
    assert "Personal data is shown." in anna.answer.text
    anna.click("Mask it again")
    assert CANARY not in anna.answer.text
    anna.click("Who looked")
    assert "ticket 4711" in anna.answer.text
    assert f"/audit/events?actor={ANNA[0]}" in anna.answer.text
    anna.click("Views of all sessions")
    assert "ticket 4711" in anna.answer.text
    anna.click("Access")
    assert "ticket 4711" in anna.answer.text


def test_no_link_shows_personal_data_again(anna: Person, past: Past) -> None:
    anna.open(f"/audit/events?session={past.many}&personal=true&reason=ticket+1")
    again = [link for link in anna.page.links if "personal=true" in link]
    texts = {text for text, url in anna.page.texts if "personal=true" in url}
    assert texts == {"Older →", "JSON", "NDJSON", "CSV"}, "only the same slice, and what follows it"
    assert again


@pytest.mark.parametrize("given", ["position", "event", "session", "number", "request", "account"])
def test_one_box_understands_them_all(
    anna: Person, window: httpx.Client, past: Past, given: str
) -> None:
    answer = window.get(f"/audit/events?session={past.session}&limit=1")
    event = answer.json()["events"][0]
    place, request = f"0:{event['position']}", event["metadata"]["requestId"]
    text, path = {
        "position": (place, f"/audit/events/{place}"),
        "event": (event["eventId"], f"/audit/events/{event['eventId']}"),
        "session": (past.session, f"/audit/sessions/{past.session}/history"),
        "number": (past.chat, f"/audit/sessions/{past.chat}/history"),
        "request": (request, f"/audit/events?request={request}"),
        "account": ("account:String", "/audit/sessions/account:String/history"),
    }[given]
    anna.send("/audit/go", to=f" {text} ")
    assert (anna.path, anna.answer.status_code) == (path, 200)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/audit/events?since=gibberish", 400, "since"),
        ("/audit/events?since=2999-01-01", 400, "future"),
        ("/audit/events?nose=1", 400, "nose"),
        ("/audit/events?type=nose", 400, "nose"),
        ("/audit/events?tz=Middle/Earth", 400, "Middle/Earth"),
        ("/audit/events?before=0:99999999", 400, "future"),
        ("/audit/events?personal=true", 400, "reason"),
        ("/audit/events/0:99999999", 404, "Event"),
        ("/audit/events/nose", 400, "0:17"),
        ("/audit/sessions/nose", 404, "nose"),
        ("/audit/sessions/%3Cscript%3E", 404, "&lt;script&gt;"),
        ("/audit/sessions/SESSION?asOf=99", 400, "99"),
        ("/audit/sessions/SESSION?compare=99", 400, "99"),
        ("/audit/sessions/SESSION?asOf=2001-01-01", 404, "not yet"),
        ("/audit/go?to=", 400, "position"),
        ("/audit/nowhere", 404, "nothing"),
        ("/ai/sessions/none", 404, "none"),
        ("/api/v1/ChatSession/nose", 400, "nose"),
        ("/api/v1/ChatSession/999999", 404, ""),
        ("/nowhere/at/all", 404, "nothing"),
    ],
)
def test_a_wrong_address_is_answered_with_its_reason_its_request_and_ways_on(
    anna: Person, past: Past, path: str, status: int, said: str
) -> None:
    anna.open(path.replace("SESSION", past.session), headers={"X-Request-Id": "my-request-7"})
    assert anna.answer.status_code == status
    assert said in anna.answer.text
    assert '<code id="request-id">my-request-7</code>' in anna.answer.text
    assert "<script>" not in anna.answer.text
    assert "/" in anna.page.links


def test_an_event_has_a_page_with_all_of_it(anna: Person, past: Past) -> None:
    anna.open(f"/audit/events?session={past.session}")
    place = next(text for text, url in anna.page.texts if url == f"/audit/events/{text}")
    anna.click(place)
    assert "1 field changed" in anna.answer.text
    assert "<del>" in anna.answer.text
    anna.click("all of this request")
    assert place in anna.answer.text
    anna.click(place)
    anna.click("← Before")
    anna.click("After →")
    assert anna.path == f"/audit/events/{place}"


def test_an_operator_is_not_let_in(window: httpx.Client, served: ServiceProcess) -> None:
    added(served, ("olivia", "right as rain"), "Operator")
    person = Person(window).open("/login?continue=/audit/events")
    person.send("/login", userName="olivia", password="right as rain")
    assert person.answer.status_code == 403
    assert "Auditor Role Required" in person.answer.text
    assert person.page.headings == ["Not allowed"]


def test_names_in_any_letters_lead_to_their_pages(anna: Person, window: httpx.Client) -> None:
    name = "Søren&?#%'\"<b>"
    window.cookies.clear()
    new = {"id": name, "name": "<i>Søren</i>"}
    assert window.post("/accounts", json=new, auth=ADMIN).is_success
    anna.open("/login").send("/login", userName=ANNA[0], password=ANNA[1])
    anna.open(f"/audit/events?account={quote(name)}")
    assert "<i>" not in anna.answer.text.replace("<i>nothing</i>", "")
    assert "&lt;b&gt;" in anna.answer.text
    anna.click("history")
    assert anna.answer.status_code == 200
    assert "created the account" in anna.answer.text
    anna.click("State")
    assert "&lt;i&gt;Søren&lt;/i&gt;" in anna.answer.text or "•••" in anna.answer.text


def test_what_the_api_answered_is_shown_for_a_reason(
    anna: Person, window: httpx.Client, past: Past
) -> None:
    for session, path, face in (
        (past.session, f"/ai/sessions/{past.session}", "evo"),
        (past.chat, f"/api/v1/ChatSession/{past.chat}", "superoffice"),
    ):
        page = f"/audit/sessions/{session}"
        for format_, media_type in (("json", "application/json"), ("xml", "application/xml")):
            anna.open(f"{page}?asOf=1")
            anna.send(page, reason="ticket 9", format=format_, **{"as": face})
            expected = window.get(f"{path}?asOf=1", auth=ANNA, headers={"Accept": media_type})
            assert anna.answer.status_code == 200
            assert anna.answer.content == expected.content
