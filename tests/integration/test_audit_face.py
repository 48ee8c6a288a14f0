"""The routes of `/audit`: each in each form, page by page, and what wrong questions get."""

import csv
import io
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from msgspec import json
from support import given
from support.audit import FORMS, all_pages, auditing, place, told, whole_log
from support.database import SEVERAL
from support.histories import mixed
from support.in_process import PASSWORD

from app.maintenance import users
from app.maintenance.store import Connection
from app.settings import Settings

COLUMNS = "position,recordedAt,actor,type,operation,sessionId,version,changed"


@pytest.fixture(params=[1, SEVERAL], ids=["one", "several"])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


def of(answer: httpx.Response, form: str) -> list[str]:
    """The positions in an answer."""
    match form:
        case "json":
            return [f"{each['partition']}:{each['position']}" for each in answer.json()["events"]]
        case "ndjson":
            lines = [json.decode(line) for line in answer.content.splitlines()]
            return [f"{e['partition']}:{e['position']}" for e in lines if "position" in e]
        case "csv":
            cells = list(csv.reader(io.StringIO(answer.text)))
            assert ",".join(cells[0]) == COLUMNS
            return [row[0] for row in cells[1:]]
        case _:
            rows = answer.text.split('<li id="e-')[1:]
            found = [row.split('"')[0].replace("-", ":") for row in rows]
            assert all(f'href="/audit/events/{each}"' in answer.text for each in found)
            return found


async def test_all_forms_of_a_page_have_the_same_slice_and_lead_on(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        await mixed(service, 3, 4)
        everything = [place(event) for event in await whole_log(service)]
        for url in ("/audit/events", "/audit/events?reverse=true", "/audit/feed"):
            expected = everything[::-1] if url == "/audit/events" else everything
            joint = "&" if "?" in url else "?"
            for form in FORMS:
                found: list[str] = []
                following: str | None = f"{url}{joint}limit=7&format={form}"
                while following is not None:
                    answer = await client.get(following)
                    assert answer.headers["Cache-Control"] == "no-store"
                    part = of(answer, form)
                    assert len(part) <= 7
                    found += part
                    following = answer.links.get("next", {}).get("url") if part else None
                assert found == expected, (url, form)


async def test_a_form_is_asked_for_by_suffix_name_or_accept(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        opened = await given.open_ai_session(service)
        session, first = given.session_of(opened), f"{opened.folded.partition}:1"
        types = {
            "json": "application/json; charset=utf-8", "ndjson": "application/x-ndjson",
            "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8",
        }  # fmt: skip
        paths = ["/audit/events", "/audit/access", "/audit/feed", f"/audit/events/{first}"]
        of_session = f"/audit/sessions/{session}"
        paths += [of_session, f"{of_session}/history", f"{of_session}/provenance"]
        for path in paths:
            for form, content_type in types.items():
                by_suffix = await client.get(f"{path}.{form}")
                by_name = await client.get(f"{path}?format={form}")
                by_accept = await client.get(path, headers={"Accept": content_type.split(";")[0]})
                for answer in (by_suffix, by_name, by_accept):
                    assert answer.status_code == 200, (path, form, answer.text)
                    assert answer.headers["Content-Type"] == content_type
                if "feed" not in path and "provenance" not in path:
                    assert len({by_suffix.text, by_name.text, by_accept.text}) == 1 or form in (
                        "json",
                        "html",
                    )  # (Those hold their own URLs.)
        answer = await client.get(f"{of_session}/diff.csv?from=1")
        assert answer.text == "field,before,after\r\n"


async def test_an_event_is_found_by_position_and_id_and_names_its_neighbours(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        for _ in range(6):
            await given.open_ai_session(service)
        events = await whole_log(service)
        ends: dict[int, int] = {}
        for event in events:
            ends[event.partition] = max(ends.get(event.partition, 0), event.position)
        for event in events:
            by_position = await told(client, f"/audit/events/{place(event)}")
            assert by_position == await told(client, f"/audit/events/{event.event_id}")
            assert by_position["eventId"] == str(event.event_id)
            for name, position in (("previous", event.position - 1), ("next", event.position + 1)):
                if 0 < position <= ends[event.partition]:
                    neighbour = await told(client, by_position[name])
                    assert neighbour["position"] == position
                else:
                    assert by_position[name] is None


async def test_filters_bound_what_is_found(settings: Settings, owner: asyncpg.Connection) -> None:
    async with auditing(settings, owner) as (client, service):
        await mixed(service, 5, 5)
        events = await whole_log(service)
        some = events[len(events) // 3 : 2 * len(events) // 3]
        first, last = some[0], some[-1]
        page = await all_pages(client, f"/audit/events?after={place(first)}&before={place(last)}")
        assert [each["eventId"] for each in page] == [str(e.event_id) for e in some[-2:0:-1]]
        shown = await all_pages(client, f"/audit/events?reverse=true&actor={first.actor}&limit=5")
        assert [each["eventId"] for each in shown] == [
            str(event.event_id) for event in events if event.actor == first.actor
        ]
        at = (await told(client, f"/audit/events/{place(last)}"))["recordedAt"]
        until = await all_pages(client, f"/audit/events?until={at}&limit=1000")
        assert len(until) == sum(event.recorded_at < last.recorded_at for event in events)
        since = await all_pages(client, f"/audit/events?since={at}&limit=1000")
        assert len(since) == len(events) - len(until)
        of_stream = await all_pages(client, f"/audit/events?session={first.stream}&reverse=true")
        assert {each["stream"] for each in of_stream} == {str(first.stream)}


async def test_who_had_access_is_listed_with_views_of_personal_data(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        await given.open_ai_session(service)
        await users.add(Connection(owner), "pat", ["Agent"], PASSWORD)
        await client.get("/audit/events?personal=true&reason=why")
        found = await all_pages(client, "/audit/access?limit=1")
        assert [(event["type"], event["sessionId"]) for event in found] == [
            ("audit.viewed.v1", "audit:ann"),
            ("principal.added.v1", "principal:pat"),
            ("principal.added.v1", "principal:ann"),
        ]
        of_ann = await all_pages(client, "/audit/access?principal=ann&limit=1")
        assert of_ann == [found[0], found[2]]
        assert (await client.get("/audit/access?principal=nobody")).status_code == 404
        trail = await told(client, "/audit/sessions/audit:ann")
        assert trail["state"] == {"auditor": "ann", "viewed": 1}


REFUSED = {
    "an unknown parameter": ("/audit/events?what=1", 400, "what"),
    "a parameter twice": ("/audit/events?actor=a&Actor=b", 400, "actor"),
    "an unknown type": ("/audit/events?type=ai_session.exploded", 400, "type"),
    "an unknown face": ("/audit/events?face=nose", 400, "face"),
    "an unknown operation": ("/audit/events?operation=Operate", 400, "operation"),
    "an unknown field": ("/audit/events?field=nose", 400, "field"),
    "an unknown session": ("/audit/events?session=99", 404, None),
    "no session": ("/audit/events?session=what", 404, None),
    "a large limit": ("/audit/events?limit=1001", 400, "limit"),
    "an endless limit": (f"/audit/events?limit={'9' * 900}", 400, "limit"),
    "no limit": ("/audit/events?limit=0", 400, "limit"),
    "a limit below": ("/audit/events?limit=-1", 400, "limit"),
    "a limit in letters": ("/audit/events?limit=many", 400, "limit"),
    "neither true nor false": ("/audit/events?reverse=perhaps", 400, "reverse"),
    "no time": ("/audit/events?since=soon", 400, "since"),
    "a time in the future": ("/audit/events?since=2999-01-01", 400, "since"),
    "the end in the future": ("/audit/events?until=2999-01-01", 400, "until"),
    "a day that is none": ("/audit/events?until=2026-02-30", 400, "until"),
    "a position in the future": ("/audit/events?after=0:99999", 400, "after"),
    "a partition that is not there": ("/audit/events?before=77:1", 400, "before"),
    "a version of no session": ("/audit/events?before=7", 400, "before"),
    "an endless position": (f"/audit/events?before=0:{'9' * 40}", 400, "before"),
    "no zone": ("/audit/events?tz=../../etc/passwd", 400, "tz"),
    "a folder of zones": ("/audit/events?tz=Europe", 400, "tz"),
    "no form": ("/audit/events?format=xml", 400, "format"),
    "no event": ("/audit/events/0:99999", 404, None),
    "no id": ("/audit/events/what", 400, "event"),
    "an unknown id": (f"/audit/events/{uuid4()}", 404, None),
    "another partition's event": ("/audit/events/999:1", 404, None),
    "an endless event": (f"/audit/events/0:{'9' * 40}", 400, "event"),
    "no such session": ("/audit/sessions/99/history", 404, None),
    "a session of nonsense": ("/audit/sessions/%00/history", 404, None),
    "a long number": (f"/audit/sessions/{'9' * 4_500}/history", 404, None),
    "an account of nonsense": ("/audit/sessions/account:%F0%9F%92%A9/provenance", 404, None),
    "version 0": ("/audit/sessions/SESSION?asOf=0", 400, "asOf"),
    "a version to come": ("/audit/sessions/SESSION?asOf=2", 400, "asOf"),
    "an endless version": (f"/audit/sessions/SESSION?asOf={'9' * 30}", 400, "asOf"),
    "a time to come": ("/audit/sessions/SESSION?asOf=2999-01-01T00:00:00Z", 400, "asOf"),
    "before its beginning": ("/audit/sessions/SESSION?asOf=2001-01-01", 404, None),
    "a face without sessions": ("/audit/sessions/SESSION?as=nose", 400, "as"),
    "a difference from nowhere": ("/audit/sessions/SESSION/diff", 400, "from"),
    "a difference to the future": ("/audit/sessions/SESSION/diff?from=1&to=7", 400, "to"),
    "a field of another API": ("/audit/sessions/SESSION/provenance?field=rank", 400, "field"),
    "a history from the future": ("/audit/sessions/SESSION/history?after=9", 400, "after"),
    "a feed from the future": ("/audit/feed?after=0:99999", 400, "after"),
    "a feed of no partition": ("/audit/feed?partition=64", 400, "partition"),
    "an endless wait": ("/audit/feed?wait=999999", 400, "wait"),
    "half a character": ("/audit/events?actor=%F0", 400, None),
    "NUL": ("/audit/events?actor=a%00b", 400, "actor"),
    "half a surrogate pair": ("/audit/events?actor=%ED%A0%80", 400, None),
    "nothing there": ("/audit/nothing", 404, None),
}


async def test_a_wrong_question_is_refused_by_name_in_its_form(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        session = given.session_of(await given.open_ai_session(service))
        for name, (url, status, field) in REFUSED.items():
            asked = url.replace("SESSION", session)
            answer = await client.get(asked)
            assert answer.status_code == status, (name, answer.text)
            error: dict[str, Any] = answer.json()["error"]
            assert error["field"] == field, (name, error)
            assert error["requestId"] in (answer.headers["X-Request-Id"], None)
            await is_refused_in_other_forms(client, asked, status)


async def is_refused_in_other_forms(client: httpx.AsyncClient, url: str, status: int) -> None:
    if "format" not in url:
        as_csv = await client.get(f"{url}{'&' if '?' in url else '?'}format=csv")
        assert as_csv.status_code == status
        if as_csv.headers["Content-Type"].startswith("text/csv"):
            assert as_csv.text.startswith("code,message,field,requestId\r\n")
        else:
            assert as_csv.json()["error"]["requestId"] is None, "its query could not be read"
    as_page = await client.get(url, headers={"Accept": "text/html"})
    assert as_page.status_code == status


async def test_what_is_searched_for_may_be_anything(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, _):
        for text in ("'", '"', "%", "a" * 2_000, "<script>", "=1+1", "💩", "\\", "0"):
            for name in ("actor", "account", "client", "request"):
                answer = await client.get("/audit/events", params={name: text})
                assert answer.status_code == 200
                assert answer.json() == {"events": [], "next": None}


async def test_a_sheet_runs_no_formula(settings: Settings, owner: asyncpg.Connection) -> None:
    async with auditing(settings, owner) as (client, _):
        await users.add(Connection(owner), "=1+1", ["Agent"], PASSWORD)
        answer = await client.get("/audit/events.csv")
        assert "principal:=1+1" in answer.text
        refused = await client.get("/audit/events.csv?what==1")
        assert ",=" not in refused.text
        found = await client.get("/audit/sessions/principal:=1+1/provenance.csv")
        assert ",=" not in found.text
