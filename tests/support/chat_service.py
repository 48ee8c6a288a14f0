"""A running service of two workers with agents, a customer and the documented session 446."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import asyncpg
import httpx
from msgspec import Struct

from app.chat.numbers import SESSIONS
from support.numbers import make_last
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.service_process import service as running_service
from support.users import add_users, token_of

PATH = "/api/v1/ChatSession"
AGENT = "/api/v1/Agents/Chat"
DOCUMENTED = 446
"""The number of the session that the documented sample is of."""
USERS = {"kim": "Agent", "pat": "Agent", "max": "Manager", "sam": "Customer", "audrey": "Auditor"}
ERROR = ["Error", "ErrorType", "ErrorMessage", "ErrorSource"]


class Chats(Struct, frozen=True):
    """The service, and who calls it."""

    served: ServiceProcess
    tokens: Mapping[str, str]
    callers: Mapping[str, httpx.Client]

    def __getitem__(self, name: str) -> httpx.Client:
        """Calls as somebody."""
        return self.callers[name]

    def new(self, **members: object) -> int:
        """The number of a session that the administrator makes of documented members."""
        return number(self["admin"].post(PATH, json=members))

    def queued(self) -> int:
        """The number of a session in the queue."""
        return self.new(Status="InQueue", CustomerName="Sam")

    def picked_up(self, by: str = "kim") -> int:
        """The number of a session that an agent has."""
        found = self.queued()
        assert number(self[by].post(f"{PATH}/{found}/Pickup")) == found
        return found

    def offered(self, by: str = "kim", to: str = "pat") -> int:
        """The number of a session that an agent was asked to take over."""
        found = self.picked_up(by)
        answer = self[by].post(f"{PATH}/{found}/TransferTo/{to}")
        assert answer.json()["TransferTo"]["Name"] == to
        return found


def number(answer: httpx.Response) -> int:
    """The session that an answer shows."""
    assert answer.status_code == 200, answer.text
    return int(answer.json()["ChatSessionId"])


@contextmanager
def chats() -> Iterator[Chats]:
    """Started, and ended without an error in its log."""
    with (
        running_service("--workers=2", "--allowed-hosts=chat.example") as served,
        ExitStack() as stack,
    ):
        tokens = {"admin": token_of(served, ADMIN[0])} | add_users(served, USERS)
        callers = {
            name: stack.enter_context(
                httpx.Client(
                    base_url=served.base_url,
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=patient(60.0),
                )
            )
            for name, token in tokens.items()
        }
        found = Chats(served, tokens, callers)
        count_from(served, DOCUMENTED)
        assert found.new() == DOCUMENTED
        yield found
        assert served.stop() == 0, served.log
        assert "Traceback" not in served.log


def count_from(served: ServiceProcess, first: int) -> None:
    """Give the next new session this number; none may have been made yet."""

    async def ask() -> None:
        connection = await asyncpg.connect(served.database_url)
        try:
            await make_last(connection, SESSIONS, first - 1)
        finally:
            await connection.close()

    with asyncio.Runner() as runner:
        runner.run(ask())
