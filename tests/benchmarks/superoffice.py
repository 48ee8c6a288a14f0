"""PUT of the documented chat session, whole, against POST of an AI session."""

import asyncio
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
from support.documents import PUT_CHAT_SESSION

from .credentials import AUTHORIZATION
from .load import CONNECTIONS, load
from .measure import Pace, interleaved
from .over_http import SESSIONS, WARM_UP_S, Contender, measured, prepared
from .report import Comparison, table
from .services import Service, sessionary
from .stage import Stage

AT_LEAST = 0.5
"""Of the POST's rate: the entity has 31 fields, and most of its answer is about rights."""


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    with ExitStack() as running:
        service = running.enter_context(sessionary(stage))
        contenders = {
            "PUT": Contender(service, chats(service, stage.folder / f"chats-{service.pid}")),
            "POST": prepared(service, stage.folder),
        }
        for method, contender in contenders.items():
            load(service.base_url, method, contender.ids_file, WARM_UP_S)
        cells = {
            method: partial(measured, contender, method, pace.seconds, stage.postmaster)
            for method, contender in contenders.items()
        }
        runs = interleaved(cells, pace.rounds)
    what = "PUT of a whole chat session against POST of an AI session"
    comparison = Comparison(what, AT_LEAST, runs["PUT"], runs["POST"])
    return table(f"Chat sessions over HTTP at {CONNECTIONS} connections, one worker", [comparison])


def chats(service: Service, ids_file: Path) -> Path:
    """Chat sessions that hold what the sample does; a PUT then changes the customer's name.

    Their numbers are in `ids_file` then, which is returned, and the sample is in one beside it.
    """
    numbers = asyncio.run(_create_chats(service.base_url))
    ids_file.write_text("".join(f"{number}\n" for number in numbers))
    Path(f"{ids_file}.body").write_bytes(PUT_CHAT_SESSION)
    return ids_file


async def _create_chats(base_url: str) -> list[int]:
    at_once = asyncio.Semaphore(CONNECTIONS)
    headers = {"Authorization": AUTHORIZATION}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30) as client:

        async def create() -> int:
            async with at_once:
                answer = await client.post("/api/v1/ChatSession", content=PUT_CHAT_SESSION)
            return int(answer.raise_for_status().json()["ChatSessionId"])

        return await asyncio.gather(*(create() for _ in range(SESSIONS)))
