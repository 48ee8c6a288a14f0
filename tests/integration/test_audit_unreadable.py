"""What cannot be read is shown with what can be read of it, and said so: nothing fails for it."""

import asyncpg
import pytest
from support import given
from support.audit import FORMS, auditing, told

from app.settings import Settings

DAMAGE = {
    "key gone": "DELETE FROM stream_key WHERE stream_id = $1",
    "altered": "UPDATE stored_events SET state = '{\"purpose\": 7}' WHERE originator_id = $1",
    "no JSON": "UPDATE stored_events SET state = '\\xff' WHERE originator_id = $1",
    "no such name": (
        "UPDATE stored_events SET topic = 'ai_session.gone.v9' WHERE originator_id = $1"
    ),
    "another kind": (
        "UPDATE stored_events SET topic = 'what.happened.v1' WHERE originator_id = $1"
    ),
    "metadata of another form": (
        "UPDATE stored_events SET metadata = '[7]' WHERE originator_id = $1"
    ),
    "a hole": "DELETE FROM stored_events WHERE originator_id = $1 AND originator_version = 2",
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_session_is_shown_as_far_as_it_can_be(
    settings: Settings, owner: asyncpg.Connection, damage: str
) -> None:
    async with auditing(settings, owner) as (client, service):
        session = given.session_of(await given.open_ai_session(service, account=None))
        await given.patch_ai_session(service, session, "second")
        await given.delete_ai_session(service, session)
        whole = given.session_of(await given.open_ai_session(service, purpose="whole"))
        await owner.execute("SET session_replication_role = replica")  # past the log's guards
        await owner.execute(DAMAGE[damage], session)
        everywhere = [
            "/audit/events?changed=true&state=true", "/audit/feed?state=true", "/audit/access",
            f"/audit/sessions/{session}/history?state=true", f"/audit/sessions/{session}?asOf=3",
            f"/audit/sessions/{session}/provenance", f"/audit/sessions/{session}/diff?from=1",
            "/audit/events?session=" + session,
        ]  # fmt: skip
        for path in everywhere:
            for form in FORMS:
                answer = await client.get(f"{path}{'&' if '?' in path else '?'}format={form}")
                assert answer.status_code == 200, (path, form, answer.text)
        page = await told(client, f"/audit/sessions/{session}/history?state=true")
        first, *_, last = page["events"]
        if damage == "key gone":
            assert first["unreadable"] == "the key of the stream is gone"
            assert first["data"] == {"purpose": None}
            assert (first["state"], last["state"]["deleted"]) == (None, True)
        elif damage not in ("a hole", "metadata of another form"):
            assert first["unreadable"]
        others = await told(client, f"/audit/sessions/{whole}?personal=true&reason=why")
        assert others["state"]["purpose"] == "whole"
