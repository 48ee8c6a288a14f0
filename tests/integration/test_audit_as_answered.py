"""`as=` gives the bytes that a face gave then."""

import asyncpg
import pytest
from support import given
from support.audit import auditing
from support.database import SEVERAL
from support.in_process import PASSWORD

from app.maintenance import users
from app.maintenance.store import Connection
from app.settings import Settings

BOSS = "boss"


@pytest.fixture(params=[1, SEVERAL], ids=["one", "several"])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


async def test_a_face_s_own_answer_of_then_is_given_byte_for_byte(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    await users.add(Connection(owner), BOSS, ["SystemAdministrator"], PASSWORD)
    async with auditing(settings, owner) as (client, service):
        session = given.session_of(await given.open_ai_session(service, purpose="kim's"))
        number = (await given.open_chat_session(service)).folded.state.chat_session_id
        asked = [("evo", str(session), f"/ai/sessions/{session}", "purpose")]
        asked += [("superoffice", str(number), f"/api/v1/ChatSession/{number}", "CustomerName")]
        for face, name, path, field in asked:
            forms = ["application/json", "application/xml"] + ["text/csv"] * (face == "evo")
            then = {form: await client.get(path, headers={"Accept": form}) for form in forms}
            change = {"purpose": "zoe's"} if face == "evo" else {"CustomerName": "Zoe"}
            changed = await client.patch(path, json=change, auth=(BOSS, PASSWORD))
            assert changed.status_code == 200, changed.text
            url = f"/audit/sessions/{name}?asOf=1&as={face}"
            for form, first in then.items():
                refused = await client.get(url, headers={"Accept": form})
                assert refused.status_code == 400
                assert "reason" in refused.text
                again = await client.get(
                    f"{url}&personal=true&reason=why", headers={"Accept": form}
                )
                assert again.content == first.content, (face, form, field)
                assert again.headers["Content-Type"] == first.headers["Content-Type"]
                assert again.headers["ETag"] == first.headers["ETag"]
                assert again.headers["X-As-Of"]
            other = {"evo": "superoffice", "superoffice": "evo"}[face]
            wrong = await client.get(f"/audit/sessions/{name}?as={other}")
            assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "as")
        await given.delete_ai_session(service, session)
        gone = await client.get(f"/audit/sessions/{session}?as=evo")
        assert gone.status_code == 404
        assert gone.json()["responseStatus"]["errorCode"] == "NotFound"
