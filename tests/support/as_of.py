"""A mixed load over HTTP, with the answers of each moment, and the same questions asked later."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from urllib.parse import quote

import httpx
from msgspec import Struct

from app.history.moments import present_cut, written
from app.log.read import Asks

AI, CHAT, AGENT = "/ai/sessions", "/api/v1/ChatSession", "/api/v1/Agents/Chat"
KEY = "sesame-opens-the-mountain"
_LINK = re.compile(rb'"odata\.nextLink":(null|"[^"]*"),|<odata\.nextLink[^>]*?(/>|>[^<]*</[^>]*>)')
_KEPT = ("etag", "content-type", "content-disposition", "x-autobatch-completed")
"""Headers that depend on the state or on the question."""
_NAMES = ("Kim", "Søren", "a 'quoted' name", "=1+1", "", None)
_FILTERS = (
    "status eq 'InQueue'", "status oneOf (1,2,4)", "firstMessage contains '1'",
    "whenRequested today", "whenRequested thisWeek", "registeredDate beforeToday",
    "this(registeredDate, day)", "rating ge 3 or status eq 'UserLast'", "chatSessionId gt 3",
    "not (rating eq 0)", "substringof('e', lastMessage)", "associateId currentAssociate",
)  # fmt: skip
_ORDERS = ("chatSessionId", "chatSessionId desc", "whenRequested desc", "rating,lastMessage desc",
           "status desc", "updatedDate desc", "agent")  # fmt: skip
_MEMBERS = ("id", "dateCreated", "dateLastModified", "createdBy", "lastModifiedBy")

Caller = Mapping[str, str]
"""The header by which a user calls."""


class Question(Struct, frozen=True, kw_only=True):
    """A read, without a moment."""

    target: str
    verb: str = "GET"
    headers: Mapping[str, str] = {}
    body: object = None
    is_list: bool = False


class Asked(Struct, frozen=True, kw_only=True):
    """A question, and what the service said to it at a moment."""

    question: Question
    said: Sequence[object]
    moments: Sequence[str]
    """The moment in all spellings."""


async def ask(client: httpx.AsyncClient, question: Question, moment: str = "") -> httpx.Response:
    """The answer of now, or of a moment."""
    target = question.target
    if moment:
        target += f"{'&' if '?' in target else '?'}asOf={quote(moment)}"
    headers = dict(question.headers)
    if question.body is None:
        return await client.request(question.verb, target, headers=headers)
    return await client.request(question.verb, target, headers=headers, json=question.body)


def said(answer: httpx.Response) -> list[object]:
    """What must be the same, whenever it is asked. (Links name their moment.)"""
    kept = [answer.headers.get(name) for name in _KEPT]
    return [answer.status_code, _LINK.sub(b"", answer.content), *kept]


class Load:
    """Changes sessions and accounts at random, and remembers what was answered in between."""

    def __init__(
        self, client: httpx.AsyncClient, store: Asks, callers: Mapping[str, Caller], seed: int
    ) -> None:
        """`callers`: administrators, and others who may read."""
        self._client = client
        self._store = store
        self._callers = callers
        self._random = Random(seed)
        self._ai: list[str] = ["0190a000-0000-7000-8000-000000000007"]
        self._chats: list[int] = [7_000]
        self._accounts: list[str] = ["nobody"]
        self.asked: list[Asked] = []

    async def change(self) -> None:
        """Change something, as an administrator. (It may be refused.)"""
        choices: Sequence[tuple[int, Callable[[], Awaitable[None]]]] = (
            (3, self._new_ai), (8, self._change_ai), (1, self._delete_ai),
            (3, self._new_chat), (10, self._change_chat), (1, self._delete_chat),
            (1, self._new_account), (2, self._rename),
        )  # fmt: skip
        weights = [weight for weight, _ in choices]
        await self._random.choices([change for _, change in choices], weights)[0]()

    async def look(self, gets: int, lists: int) -> None:
        """Ask so many questions about sessions, and about lists, at this moment."""
        cut = await present_cut(self._store)
        questions = [self._one() for _ in range(gets)] + [self._list() for _ in range(lists)]
        answers = [await ask(self._client, question) for question in questions]
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        assert cut == await present_cut(self._store)  # nobody else writes
        for question, answer in zip(questions, answers, strict=True):
            assert answer.status_code in (200, 404), (question.target, answer.text)
            moments = [written(cut), at]
            tag = answer.headers.get("etag")
            if tag and not question.is_list and "account" not in answer.text.lower():
                moments.append(tag.strip('"'))
            self.asked.append(Asked(question=question, said=said(answer), moments=moments))

    async def check(self, asked: Asked) -> None:
        """Ask again, as of the moment then, in one of its spellings."""
        moment = self._random.choice(asked.moments)
        answer = await ask(self._client, asked.question, moment)
        assert said(answer) == list(asked.said), (asked.question, moment, answer.text)
        assert "x-as-of" in answer.headers, (asked.question, moment)

    def _one(self) -> Question:
        return self._random.choice((self._one_ai, self._one_chat, self._one_account))()

    def _list(self) -> Question:
        choices = (self._list_ai, self._list_chats, self._list_chats, self._list_accounts)
        return self._random.choice(choices)()

    def _one_ai(self) -> Question:
        session = self._random.choice(self._ai[-40:])
        targets = [f"{AI}/{session}{suffix}" for suffix in self._formats(AI)]
        targets += [f"/api/GetAISession?sessionId={session}"]
        targets += [f"/csv/reply/GetAISession?SESSIONID={session}", f"{AI}/{session}?format=xml"]
        return Question(target=self._random.choice(targets), headers=self._onlooker())

    def _one_account(self) -> Question:
        account = self._random.choice(self._accounts)
        targets = [f"/accounts/{account}{suffix}" for suffix in self._formats(AI)]
        targets += [f"/jsv/reply/GetAccount?accountId={account}"]
        return Question(target=self._random.choice(targets), headers=self._onlooker())

    def _one_chat(self) -> Question:
        number = self._random.choice(self._chats[-40:])
        headers = {**self._anybody(), "Accept": self._random.choice(self._formats(CHAT))}
        if self._random.random() < 0.2:
            headers["SO-TimeZone"] = "Europe/Oslo"
        page = f"?after={self._random.randrange(4)}&$top={self._random.randrange(1, 4)}"
        paging = self._random.choice(("", page))
        targets = {
            f"{CHAT}/{number}": "GET",
            f"{CHAT}/{number}?$select=CustomerName,Status,SessionKey": "GET",
            f"{AGENT}/GetChatSessionEntity?chatSessionEntityId={number}": "POST",
            f"{CHAT}/{number}/Messages{paging}": "GET",
            f"{CHAT}/{number}/Transcript?html=true": "POST",
        }
        target = self._random.choice(list(targets))
        return Question(target=target, verb=targets[target], headers=headers)

    def _list_ai(self) -> Question:
        random = self._random
        field = random.choice((*_MEMBERS, "purpose", "accountId", "accountName", ""))
        parts = [f"sortField={field}", *self._paging()]
        if random.random() < 0.3:
            parts.append(f"accountIds={','.join(random.choices(self._accounts, k=2))}")
        if random.random() < 0.2:
            parts.append(f"specificIds={','.join(random.choices(self._ai, k=5))}")
        target = random.choice([f"{AI}{suffix}" for suffix in self._formats(AI)])
        target = random.choice((target, "/api/ListAISessions"))
        return self._evo_list(target, parts)

    def _list_accounts(self) -> Question:
        field = self._random.choice((*_MEMBERS, "name", ""))
        parts = [f"sortField={field}", *self._paging()]
        if self._random.random() < 0.3:
            parts.append("nameFilter=e")
        suffix = self._random.choice(self._formats(AI))
        return self._evo_list(f"/accounts{suffix}", parts)

    def _evo_list(self, target: str, parts: Sequence[str]) -> Question:
        return Question(
            target=f"{target}?{'&'.join(parts)}", headers=self._onlooker(), is_list=True
        )

    def _list_chats(self) -> Question:
        random = self._random
        headers = {**self._anybody(), "Accept": random.choice(self._formats(CHAT))}
        if random.random() < 0.2:
            return Question(
                target=f"{CHAT}/ForCurrentUser?$top={random.randrange(1, 9)}",
                headers=headers,
                is_list=True,
            )
        parts = [f"$orderby={quote(random.choice(_ORDERS))}", f"$top={random.randrange(1, 20)}"]
        if random.random() < 0.6:
            parts.append(f"$filter={quote(random.choice(_FILTERS))}")
        if random.random() < 0.3:
            parts.append(f"$skip={random.randrange(4)}")
        if random.random() < 0.5:
            parts.append("$mode=Full&$select=chatSessionId,status,rating,updatedDate,agent")
        target = f"{CHAT}?{'&'.join(parts)}"
        return Question(target=target, headers=headers, is_list=True)

    def _paging(self) -> list[str]:
        random = self._random
        order = random.choice(("Ascend", "Descend"))
        return [
            f"page={random.randrange(3)}",
            f"countPerPage={random.randrange(1, 12)}",
            f"sortOrder={order}",
            f"simplifiedPaging={random.choice(('true', 'false'))}",
        ]

    def _formats(self, face: str) -> Sequence[str]:
        if face == CHAT:
            return ("application/json", "application/xml")
        return ("", ".json", ".xml", ".jsv", ".csv", ".jsonl")

    def _anybody(self) -> Caller:
        return self._callers[self._random.choice(list(self._callers))]

    def _onlooker(self) -> Caller:
        return self._callers["kim"]

    async def _send(self, verb: str, target: str, body: object = None) -> httpx.Response:
        question = Question(target=target, verb=verb, headers=self._onlooker(), body=body)
        answer = await ask(self._client, question)
        assert answer.status_code < 500, answer.text
        return answer

    async def _new_ai(self) -> None:
        account = self._random.choice([None, *self._accounts[1:]])
        purpose = self._random.choice(("triage", "=1+1", 'a, b; "c"\nd', None))
        made = await self._send("POST", AI, {"accountId": account, "purpose": purpose})
        self._ai.append(made.json()["id"])

    async def _change_ai(self) -> None:
        path = f"{AI}/{self._random.choice(self._ai[-20:])}"
        match self._random.randrange(6):
            case 0:
                await self._send("POST", f"{path}/apply", {})
            case 1:
                await self._send("DELETE", f"{path}/actions")
            case 2 | 3:
                body = {"functionName": "f", "arguments": f"{self._random.random()}"}
                await self._send("POST", f"{path}/actions", body)
            case _:
                await self._send("PATCH", path, {"purpose": f"p{self._random.randrange(1_000)}"})

    async def _delete_ai(self) -> None:
        await self._send("DELETE", f"{AI}/{self._random.choice(self._ai[-20:])}")

    async def _new_account(self) -> None:
        account = f"a{len(self._accounts)}"
        await self._send("POST", "/accounts", {"id": account, "name": f"Acme {account}"})
        self._accounts.append(account)

    async def _rename(self) -> None:
        name = f"Renamed {self._random.randrange(1_000)}"
        account = self._random.choice(self._accounts[-8:])
        await self._send("PATCH", f"/accounts/{account}", {"name": name})

    async def _new_chat(self) -> None:
        body = {
            "CustomerName": self._random.choice(_NAMES),
            "Status": self._random.choice(("InQueue", "PreChatForm")),
            "SessionKey": self._random.choice((KEY, None)),
        }
        made = await self._send("POST", CHAT, body)
        assert made.status_code == 200, made.text
        self._chats.append(made.json()["ChatSessionId"])

    async def _change_chat(self) -> None:
        random = self._random
        path = f"{CHAT}/{random.choice(self._chats[-20:])}"
        match random.randrange(6):
            case 0:
                await self._send("POST", f"{path}/Pickup")
            case 1:
                await self._send("POST", f"{path}/Reset")
            case 2:
                await self._send("PATCH", path, {"Rating": random.randrange(6)})
            case 3:
                name = {"op": "replace", "path": "CustomerName", "value": random.choice(_NAMES)}
                await self._send("PATCH", path, [name])
            case _:
                message = {
                    "Message": f"message {random.randrange(1_000)}",
                    "Type": random.choice(("ToUser", "ToCustomer")),
                }
                await self._send("POST", f"{path}/Messages", message)

    async def _delete_chat(self) -> None:
        await self._send("DELETE", f"{CHAT}/{self._random.choice(self._chats[-20:])}")
