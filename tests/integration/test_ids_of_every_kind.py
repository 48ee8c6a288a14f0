"""Random requests with ids of every kind to every operation of both faces, in every format.

No event of one kind comes into a stream of another, and nothing fails. `TEST_COMMANDS=100000`
tries so many, `TEST_SEED` others.
"""

import asyncio
import json
import logging
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4, uuid5

import asyncpg
import httpx
import pytest
from msgspec import Struct
from support.evo_messages import REQUESTS
from support.in_process import calling
from uuid_utils.compat import uuid7

from app.faces.evo.wire.api import API as EVO
from app.faces.evo.wire.requests import Authenticate, GetAuthStatus
from app.faces.superoffice.wire.agents import AGENTS
from app.faces.superoffice.wire.rest import REST
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.settings import Settings
from domain.ids import AccountId, ChatSessionId, account_stream, chat_session_stream

COMMANDS = int(os.environ.get("TEST_COMMANDS", "600"))
SEED = os.environ.get("TEST_SEED", "7")
CALLERS = 16
_SIGNING_IN = {Authenticate, GetAuthStatus}
EVO_OPERATIONS = [
    api
    for api in EVO
    if api.request not in _SIGNING_IN and not api.request.__module__.endswith("user_requests")
]
SUPEROFFICE = [*REST, *AGENTS]
KINDS = """
    SELECT originator_id, array_agg(DISTINCT split_part(topic, '.', 1)) AS kinds
      FROM stored_events
     GROUP BY originator_id
"""


class Asked(Struct, frozen=True):
    """A request."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


class Ids:
    """Of what there is, of every kind, and of what there is not."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.sessions: list[str] = []
        self.chats: list[int] = []
        self.accounts: list[str] = []

    def any(self) -> str:
        """An id of any kind, as a text."""
        rng = self._rng
        chat = rng.choice(self.chats or [1])
        account = rng.choice(self.accounts or ["a"])
        session = rng.choice(self.sessions or [str(uuid7())])
        of_other_kinds = (
            str(chat_session_stream(ChatSessionId(chat))),
            str(account_stream(AccountId(account))),
            str(chat_session_stream(ChatSessionId(chat + 1))),  # which is there soon
        )
        return rng.choice((
            session, session, str(chat), str(chat), account, *of_other_kinds,
            of_other_kinds[0].upper(), str(uuid7()), str(uuid4()), str(uuid5(UUID(session), "a")),
            "0", "-1", "nobody", str(UUID(int=chat)),
        ))  # fmt: skip

    def note(self, answer: object) -> None:
        """Take up the ids of what an answer shows."""
        if isinstance(answer, list):
            for each in answer:
                self.note(each)
        elif isinstance(answer, dict):
            if isinstance(answer.get("ChatSessionId"), int) and answer["ChatSessionId"] > 0:
                self.chats = [*self.chats[-20:], answer["ChatSessionId"]]
            found = answer.get("id")
            if isinstance(found, str):
                known = self.sessions if "purpose" in answer else self.accounts
                known[:] = [*known[-20:], found]


def members(ids: Ids, rng: random.Random) -> dict[str, str]:
    """What any operation of the ServiceStack-style face may take."""
    made = {
        "sessionId": ids.any(), "accountId": ids.any(), "actionId": ids.any(), "id": ids.any(),
        "purpose": rng.choice(["p", "q"]), "functionName": "f", "name": rng.choice(["n", "m"]),
    }  # fmt: skip
    kept = rng.sample(sorted(made), rng.randint(1, len(made)))
    return {name: made[name] for name in kept}


def evo(ids: Ids, rng: random.Random) -> Asked:
    """A request by its path or its name, alone or in a batch, in any format."""
    api = rng.choice(EVO_OPERATIONS)
    name = api.request.__name__
    sent, given = rng.choice(list(REQUESTS.values())), members(ids, rng)
    headers = {"Content-Type": sent.content_type}
    if rng.random() < 0.2:
        headers["Idempotency-Key"] = f"k{rng.randrange(50)}"
    if rng.random() < 0.1:
        headers["If-Match"] = f'"{rng.randrange(1, 4)}"'
    how = rng.random()
    if how < 0.4:
        path = api.paths[0]
        for each in ("sessionId", "accountId", "actionId"):
            path = path.replace(f"{{{each}}}", given.pop(each, ids.any()))
        body = b"" if api.verb in ("GET", "DELETE") else sent.body(name, given)
        return Asked(api.verb, path, body, headers)
    if how < 0.7:
        return Asked("POST", f"/api/{name}", sent.body(name, given), headers)
    items = [given, *(members(ids, rng) for _ in range(rng.randint(0, 2)))]
    headers["Content-Type"] = "application/json"
    atomic = rng.choice(["", "?atomic=true"])
    return Asked("POST", f"/api/{name}[]{atomic}", json.dumps(items).encode(), headers)


def superoffice(ids: Ids, rng: random.Random) -> Asked:
    """A request of the other face, most with the number of a session."""
    api = rng.choice(SUPEROFFICE)
    path = api.path
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + ids.any() + rest.partition("}")[2]
    body: Mapping[str, object] = {
        "ChatSessionId": rng.choice([rng.choice(ids.chats or [1]), ids.any(), 99]),
        "CustomerName": rng.choice(["Kim", "Sam"]),
        "Status": rng.choice(["InQueue", "UserLast", "ClosedFromQueue"]),
        "Message": "hello", "TopicId": 1, "ToAssociate": ids.any(),
    }  # fmt: skip
    kept = rng.sample(sorted(body), rng.randint(0, len(body)))
    text = json.dumps({name: body[name] for name in kept}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if rng.random() < 0.2:
        headers["Idempotency-Key"] = f"k{rng.randrange(50)}"
    return Asked(api.verb, path, b"" if api.verb in ("GET", "DELETE") else text, headers)


@pytest.mark.usefixtures("people")
async def test_no_event_of_one_kind_comes_into_a_stream_of_another(
    settings: Settings,
    owner: asyncpg.Connection,
    store: Connection,
    keyring: Keyring,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "httpx")  # a line for each request
    rng = random.Random(SEED)  # for a test
    ids, left = Ids(rng), iter(range(COMMANDS))
    told: Counter[int] = Counter()
    failed: list[tuple[Asked, httpx.Response]] = []

    async def call(client: httpx.AsyncClient) -> None:
        for _ in left:
            asked = rng.choice((evo, superoffice))(ids, rng)
            answer = await client.request(
                asked.method, asked.path, content=asked.body, headers=asked.headers
            )
            told[answer.status_code] += 1
            if answer.status_code >= 500:
                failed.append((asked, answer))
            elif answer.status_code == 200 and "json" in answer.headers["Content-Type"]:
                ids.note(answer.json())

    async with calling(settings) as client:
        await asyncio.gather(*(call(client) for _ in range(CALLERS)))
    assert [(asked, answer.text) for asked, answer in failed] == []
    assert told[200] > COMMANDS / 10
    assert mixed(await owner.fetch(KINDS)) == []
    assert await verify(store, keyring, lambda _done, _total: None) == []
    kinds = await owner.fetch(
        "SELECT DISTINCT split_part(topic, '.', 1) AS kind FROM stored_events"
    )
    assert {row["kind"] for row in kinds} == {"ai_session", "chat_session", "account", "principal"}


def mixed(streams: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """Streams that hold several kinds, or another than their id says."""
    return [
        row
        for row in streams
        if len(row["kinds"]) > 1
        or (row["kinds"] == ["ai_session"]) != (row["originator_id"].version == 7)
    ]
