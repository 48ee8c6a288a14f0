"""What `/audit` tells of a session equals what its whole fold gives."""

from collections.abc import Sequence
from random import Random
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec import json
from support import given
from support.audit import all_pages, auditing, by_stream, folds, place, told, whole_log
from support.database import SEVERAL
from support.histories import mixed

from app.history.masking import Shown
from app.history.names import fields_of
from app.history.times import time_text
from app.log.audited import AuditedEvent
from app.settings import Settings
from domain.event import kind_of
from projections.catalog import CURRENT

CLEAR = "personal=true&reason=a+test"


class Stream:
    """One stream, and what its fold gives."""

    def __init__(self, events: Sequence[AuditedEvent]) -> None:
        self.events = events
        self.states = folds(events)
        self.kind = kind_of(events[0].topic)
        last = self.states[-1]
        self.id = CURRENT[self.kind].session_id(last.stream, last.state)
        self.url = f"/audit/sessions/{self.id}"

    def tree(self, version: int) -> dict[str, Any]:
        """The state at a version, as it is shown; at version 0, nothing but defaults."""
        return Shown(self.kind, clear=True).members(self.states[version - 1].state)

    def changed(self, start: int, end: int) -> dict[str, Any]:
        """What differs between two versions, by comparing them field by field."""
        after = self.states[end - 1].state
        names = fields_of(self.kind)
        if start == 0:
            return {
                names[name]: {"before": None, "after": self.tree(end)[names[name]]}
                for name in after.__struct_fields__
                if self.is_given(after, name)
            }
        before = self.states[start - 1].state
        return {
            names[name]: {
                "before": self.tree(start)[names[name]],
                "after": self.tree(end)[names[name]],
            }
            for name in after.__struct_fields__
            if getattr(before, name) != getattr(after, name)
        }

    def is_given(self, state: Any, name: str) -> bool:
        defaults = dict(
            zip(
                reversed(type(state).__struct_fields__),
                reversed(type(state).__struct_defaults__),
                strict=False,
            )
        )
        return name not in defaults or getattr(state, name) != defaults[name]


@pytest.fixture(params=[1, SEVERAL], ids=["one", "several"])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


async def test_histories_states_differences_and_provenance_equal_the_fold(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    random = Random(12)
    async with auditing(settings, owner) as (client, service):
        await mixed(service, 12, 8)
        streams = [Stream(events) for events in by_stream(await whole_log(service)).values()]
        assert {stream.kind for stream in streams} >= {"ai_session", "chat_session", "account"}
        for stream in streams:
            await history_equals(client, stream)
            await provenance_equals(client, stream)
            last = len(stream.events)
            for _ in range(2):
                await difference_equals(
                    client, stream, random.randint(1, last), random.randint(1, last)
                )
                await state_equals(client, stream, random.randint(1, last))


async def history_equals(client: httpx.AsyncClient, stream: Stream) -> None:
    url = f"{stream.url}/history?limit=3&state=true&{CLEAR}"
    shown = await all_pages(client, url)
    assert [event["version"] for event in shown] == list(range(1, len(stream.events) + 1))
    for number, (event, stored) in enumerate(zip(shown, stream.events, strict=True), 1):
        assert event["changed"] == stream.changed(number - 1, number)
        assert event["state"] == stream.tree(number)
        assert event["sessionId"] == stream.id
        assert (event["partition"], event["position"]) == (stored.partition, stored.position)
        assert event["eventId"] == str(stored.event_id)
        assert event["recordedAt"] == time_text(stored.recorded_at)
        assert (event["actor"], event["type"]) == (stored.actor, stored.topic)
        assert event["metadata"] == json.decode(stored.metadata)


async def provenance_equals(client: httpx.AsyncClient, stream: Stream) -> None:
    setters: dict[str, list[AuditedEvent]] = {}
    for number, event in enumerate(stream.events, 1):
        for name in stream.changed(number - 1, number):
            setters.setdefault(name, []).append(event)
    found = await told(client, f"{stream.url}/provenance")
    assert (found["sessionId"], found["version"]) == (stream.id, len(stream.events))
    assert {name: each["position"] for name, each in found["fields"].items()} == {
        name: place(events[-1]) for name, events in setters.items()
    }
    for name, events in setters.items():
        last, each = events[-1], found["fields"][name]
        call = json.decode(last.metadata)
        assert each == {
            "version": last.version,
            "position": place(last),
            "eventId": str(last.event_id),
            "recordedAt": time_text(last.recorded_at),
            "actor": last.actor,
            "operation": call.get("operation"),
            "requestId": call.get("requestId"),
        }
        life = await told(client, f"{stream.url}/provenance?field={name.upper()}")
        assert life["field"] == name
        assert [each["position"] for each in life["history"]] == list(map(place, events))


async def difference_equals(
    client: httpx.AsyncClient, stream: Stream, start: int, end: int
) -> None:
    found = await told(client, f"{stream.url}/diff?from={start}&to={end}&{CLEAR}")
    assert found["changed"] == (stream.changed(start, end) if start != end else {})
    for side, version in (("from", start), ("to", end)):
        at = time_text(stream.events[version - 1].recorded_at)
        assert found[side] == {"version": version, "recordedAt": at}


async def state_equals(client: httpx.AsyncClient, stream: Stream, version: int) -> None:
    event = stream.events[version - 1]
    moments = (str(version), place(event), time_text(event.recorded_at))
    for moment in moments:
        answer = await client.get(f"{stream.url}?asOf={moment}&{CLEAR}")
        found = json.decode(answer.content)
        # (Several events may have one time: then that is the moment of the last of them.)
        at = found["version"]
        if moment is not moments[2]:
            assert at == version
        assert found["state"] == stream.tree(at)
        cut = dict(part.split(":") for part in answer.headers["X-As-Of"].split(","))
        assert int(cut[str(event.partition)]) >= event.position


async def test_a_session_that_begins_later_differs_from_nothing(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        await given.open_account(service, "a1")
        session = given.session_of(await given.open_ai_session(service, purpose="triage"))
        early = (await told(client, "/audit/sessions/account:a1"))["recordedAt"]
        url = f"/audit/sessions/{session}"
        found = await told(client, f"{url}/diff?from={early}&{CLEAR}")
        assert found["from"] == {"version": 0, "recordedAt": None}
        assert found["changed"] == {"purpose": {"before": None, "after": "triage"}}
        assert (await client.get(f"{url}?asOf={early}")).status_code == 404
