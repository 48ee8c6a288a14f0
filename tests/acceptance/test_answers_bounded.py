"""No answer is without bound: what is too large is refused while it is read, in every format."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service

from app.settings import ANSWER_BYTES

CHATS = "/api/v1/ChatSession"
AGENT = "/api/v1/Agents/Chat"
ROWS = 1_000
FILLED = "<\"é&'>" * 660  # what every format writes in more bytes than the last
MAX_GROWN_BYTES = 8 * ANSWER_BYTES
"""Of a worker's memory, while it refuses: rows as they come, and as objects, but no answer."""
_COPY = {
    "ai_session_info": "doc",
    "account_info": "jsonb_set(doc, '{account_id}', to_jsonb('a' || n))",
    "chat_session_entity": "jsonb_set(doc, '{chat_session_id}', to_jsonb(1000 + n))",
}
_COPIES = """
INSERT INTO {view} (partition, stream_id, version, position, created_by, created_at, modified_by,
                    modified_at, doc)
SELECT partition, gen_random_uuid(), 1, n, created_by, created_at, modified_by, modified_at, {doc}
  FROM (SELECT * FROM {view} ORDER BY created_at DESC LIMIT 1) AS last,
       generate_series(1, {rows}) AS n
"""


@pytest.fixture(scope="module")
def full() -> Iterator[ServiceProcess]:
    """A service with a thousand large sessions of both kinds, and a thousand accounts."""
    with service("--workers=1") as served, client(served) as admin:
        ok(admin.post("/accounts", json={"id": "a0", "name": "n" * 255}))
        large_session(admin)
        names = ("Firstname", "MiddleName", "Lastname", "FullName", "Title", "Position")
        person = {"PersonId": 1} | {name: FILLED for name in names}
        ok(admin.post(CHATS, json={"Status": "InQueue", "Person": person}))
        with asyncio.Runner() as runner:
            runner.run(copied(served))
        yield served


@pytest.fixture(scope="module")
def talk(full: ServiceProcess) -> int:
    """The number of a session with more messages than an answer takes."""
    with client(full) as admin:
        number = int(ok(admin.post(CHATS, json={"CustomerName": "Sam"})).json()["ChatSessionId"])
        message = {"Type": "ToUser", "Message": "\U0001f600" * 10_000}
        sent = ANSWER_BYTES // 40_000 + 1

        def post(_: int) -> None:
            ok(admin.post(f"{CHATS}/{number}/Messages", json=message))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(post, range(sent)))
        return number


@pytest.fixture(scope="module")
def session(full: ServiceProcess) -> str:
    """The id of a large session that the log has."""
    with client(full) as admin:
        return large_session(admin)


def large_session(admin: httpx.Client) -> str:
    sent = {"accountId": "a0", "purpose": FILLED}
    made = str(ok(admin.post("/ai/sessions", json=sent)).json()["id"])
    action = {"functionName": "f", "arguments": FILLED * 2, "description": FILLED * 2}
    for _ in range(2):
        ok(admin.post(f"/ai/sessions/{made}/actions", json=action))
    return made


async def copied(served: ServiceProcess) -> None:
    """The rows, put into the views without a log: what lists are read from."""
    owner = await asyncpg.connect(served.database_url)
    try:
        for view, doc in _COPY.items():
            await owner.execute(_COPIES.format(view=view, doc=doc, rows=ROWS))
    finally:
        await owner.close()


def client(served: ServiceProcess) -> httpx.Client:
    return httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(120.0))


def ok(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 200, answer.text[:500]
    return answer


def refused(answer: httpx.Response) -> str:
    """What an answer says that is a refusal for its size, in its face's shape."""
    assert (answer.status_code, len(answer.content) < 2_000) == (400, True), answer.text[:500]
    assert str(ANSWER_BYTES) in answer.text
    return answer.text


@pytest.mark.parametrize("format_", ["json", "xml", "jsv", "csv", "jsonl"])
@pytest.mark.parametrize("count", ["all=true", "countPerPage=1000&simplifiedPaging=true"])
def test_a_page_of_large_sessions_is_refused(
    full: ServiceProcess, format_: str, count: str
) -> None:
    with client(full) as admin:
        said = refused(admin.get(f"/ai/sessions.{format_}?{count}"))
        assert "AnswerTooLarge" in said
        assert "ask for fewer" in said
        few = admin.get(f"/ai/sessions.{format_}?countPerPage=20&simplifiedPaging=true")
        assert 20 * len(FILLED) < len(ok(few).content) < ANSWER_BYTES


@pytest.mark.parametrize("format_", ["json", "xml"])
@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("ListAccounts", {"all": True}),
        ("ListAISessions", {"countPerPage": 20}),
        ("GetAISession", {"sessionId": "…"}),
        ("PatchAISession", {"sessionId": "…", "purpose": "p"}),
    ],
)
def test_a_batch_is_one_answer(
    full: ServiceProcess, session: str, format_: str, name: str, item: dict[str, object]
) -> None:
    if "sessionId" in item:
        item = item | {"sessionId": session}
    with client(full) as admin:
        path = f"/api/{name}[]?format={format_}"
        answer = admin.post(path, json=[item] * 1_000)
        assert "AutoBatchIndex" in refused(answer)
        assert 0 < int(answer.headers["x-autobatch-completed"]) < 1_000


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
@pytest.mark.parametrize(
    "query",
    ["$select=person/fullName,person/title,person/firstName,person/lastName,person/middleName"
     ",person/position&$top=1000&$mode=Full"],
)  # fmt: skip
def test_a_list_of_large_chats_is_refused(full: ServiceProcess, accept: str, query: str) -> None:
    with client(full) as admin:
        headers = {"accept": accept}
        said = refused(admin.get(f"{CHATS}?{query}", headers=headers))
        assert "SoBadRequestException" in said
        assert admin.head(f"{CHATS}?{query}", headers=headers).status_code == 400
        ok(admin.get(f"{CHATS}?{query.replace('1000', '10')}", headers=headers))


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_of_large_rows_only_the_columns_asked_for_are_read(
    full: ServiceProcess, accept: str
) -> None:
    with client(full) as admin:
        columns = "chatSessionId,status,whenRequested,updatedDate"
        answer = ok(admin.get(f"{CHATS}?$select={columns}&$top=1000", headers={"accept": accept}))
        assert len(answer.content) < ANSWER_BYTES
        assert b"1500" in answer.content


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_what_an_agent_can_work_on_is_refused_where_it_is_too_large(
    full: ServiceProcess, accept: str
) -> None:
    with client(full) as admin:
        headers = {"accept": accept}
        refused(admin.get(f"{CHATS}/ForCurrentUser", headers=headers))
        refused(admin.post(f"{AGENT}/ChatSessionsForUser", headers=headers))
        ok(admin.get(f"{CHATS}/ForCurrentUser?$top=5", headers=headers))
        ok(admin.post(f"{AGENT}/ChatSessionsForUser?$select=Status", headers=headers))


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_messages_that_do_not_fit_are_refused_and_come_in_pages(
    full: ServiceProcess, talk: int, accept: str
) -> None:
    path = f"{CHATS}/{talk}"
    with client(full) as admin:
        admin.headers["accept"] = accept
        for answer in (
            admin.get(f"{path}/Messages"),
            admin.post(f"{path}/Transcript"),
            admin.post(f"{path}/Transcript?html=true"),
            admin.post(f"{AGENT}/GetChatMessages", json={"ChatSessionId": talk}),
            admin.post(f"{AGENT}/GetChatTranscript", json={"ChatSessionId": talk}),
            admin.get(f"{path}/Messages?$top=1000"),
        ):
            assert "$top" in refused(answer)
            assert "after" in answer.text
        for method, what in (("GET", "Messages"), ("POST", "Transcript")):
            pages, url = 0, f"{path}/{what}?$top=100"
            while url:
                answer = ok(admin.request(method, url))
                url = answer.links.get("next", {}).get("url", "")
                pages += 1
            assert pages == ANSWER_BYTES // 40_000 // 100 + 1


def test_a_worker_takes_little_memory_to_refuse(full: ServiceProcess, talk: int) -> None:
    (worker,) = full.workers()
    with client(full) as admin:
        ok(admin.get("/accounts?countPerPage=1"))
        before = worker.memory_info().rss
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # the peak begins here
        refused(admin.post("/api/ListAccounts[]", json=[{"all": True}] * 1_000))
        refused(admin.post("/api/ListAISessions[]", json=[{"countPerPage": 20}] * 1_000))
        refused(admin.get("/ai/sessions?all=true"))
        refused(admin.get(f"{CHATS}/ForCurrentUser"))
        refused(admin.get(f"{CHATS}/{talk}/Messages"))
        refused(admin.post(f"{CHATS}/{talk}/Transcript"))
    grown = _peak(worker.pid) - before
    assert grown < MAX_GROWN_BYTES, grown


def _peak(pid: int) -> int:
    """The most memory that a process ever held, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
