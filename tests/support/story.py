"""What auditors look into: a session, and a chat with names and a message, and who may ask."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from support.service_process import ServiceProcess, sessionary

CUSTOMER = "Kim Larsen-Canary"
MESSAGE = "Hello,\tis =anybody there? " + "0123456789" * 12
"""Longer than any line of a terminal, with what a spreadsheet and a tab-separated line mind."""
REASON = "complaint 17"
TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{6} UTC")


class Story(Struct, frozen=True):
    """Ids, and how commands reach the log with them."""

    served: ServiceProcess
    session: str
    chat: str
    token_file: Path

    def by_database(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command with access to the database."""
        return self.served.command(*command)

    def by_server(
        self, *command: str, token_file: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The same over HTTP, as an auditor."""
        return sessionary(*command, *self.options(token_file))

    def options(self, token_file: Path | None = None) -> tuple[str, str]:
        """The options that name the running service."""
        return f"--server={self.served.base_url}", f"--token-file={token_file or self.token_file}"


def told(served: ServiceProcess, admin: httpx.Client, token_file: Path) -> Story:
    """The story, written by an administrator; the token is an auditor's."""
    opened = admin.post("/ai/sessions", json={"accountId": "String", "purpose": "triage"})
    session = opened.json()["id"]
    for purpose in ("billing", "=1+1"):
        admin.patch(f"/ai/sessions/{session}", json={"purpose": purpose}).raise_for_status()
    began = admin.post("/api/v1/ChatSession", json={"CustomerName": CUSTOMER, "Status": "InQueue"})
    chat = str(began.json()["ChatSessionId"])
    message = {"Type": "ToUser", "Message": MESSAGE, "Author": CUSTOMER}
    admin.post(f"/api/v1/ChatSession/{chat}/Messages", json=message).raise_for_status()
    issue_token(served, "audrey", token_file)
    return Story(served, session, chat, token_file)


def issue_token(served: ServiceProcess, name: str, file: Path) -> None:
    """Write a fresh token of a user to a file that nobody else may read."""
    issued = served.command("tokens", "add", name)
    assert issued.returncode == 0, issued.stderr
    handle = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w") as text:
        text.write(issued.stdout)


def lines(ended: subprocess.CompletedProcess[str]) -> list[str]:
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def events(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(ended)]


def squeezed(text: str) -> str:
    """Without anything that a terminal's width changes."""
    return re.sub(r"\s", "", text)
