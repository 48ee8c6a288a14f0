"""A past with personal data in it, and an auditor who looks at it with a browser."""

from dataclasses import dataclass

import httpx

from support.patience import patient
from support.service_process import ADMIN, ServiceProcess

ANNA, MAX = ("anna", "right as rain"), ("maxim", "right as rain")
CANARY = "Zanzibarian"
EMAIL = f"{CANARY}@canary.example"


@dataclass
class Past:
    """What has happened."""

    session: str
    """Of an AI session: opened by the administrator, changed by Max, then by the administrator."""
    chat: str
    """Number of a chat session full of personal data."""
    many: str
    """Number of a chat session with more events than a page shows."""


def added(served: ServiceProcess, who: tuple[str, str], role: str) -> None:
    name, password = who
    done = served.command("users", "add", name, "--role", role, "--password-stdin", stdin=password)
    assert done.returncode == 0, done.stderr


def chat_of(client: httpx.Client, messages: int) -> str:
    """A chat session with everything personal."""
    new = {
        "CustomerName": f"{CANARY} Kim", "CustomerEmail": EMAIL, "CustomerPhone": f"{CANARY} 5",
        "CustomerCompanyName": f"{CANARY} Ltd", "Status": "InQueue",
        "Person": {"PersonId": 7, "Firstname": f"{CANARY}", "FullName": f"{CANARY} Kim"},
    }  # fmt: skip
    made = client.post("/api/v1/ChatSession", json=new, auth=ADMIN)
    number = made.json()["ChatSessionId"]
    for place in range(messages):
        said = {"Type": "ToUser", "Message": f"{CANARY} parcel {place}", "Author": f"{CANARY} Kim"}
        path = f"/api/v1/ChatSession/{number}/Messages"
        assert client.post(path, json=said, auth=ADMIN).is_success
    return str(number)


def lived(served: ServiceProcess) -> Past:
    """Let it happen, and add the auditor."""
    added(served, ANNA, "Auditor")
    added(served, MAX, "SystemAdministrator")
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as client:
        new = {"accountId": "String", "purpose": f"{CANARY} first"}
        session = client.post("/ai/sessions", json=new, auth=ADMIN).json()["id"]
        assert client.post("/ai/sessions", json={"purpose": "another"}, auth=ADMIN).is_success
        for who, purpose in ((MAX, "second"), (ADMIN, "third")):
            body = {"purpose": f"{CANARY} {purpose}"}
            assert client.patch(f"/ai/sessions/{session}", json=body, auth=who).is_success
        return Past(session, chat_of(client, 2), chat_of(client, 60))
