"""The examples do what they say."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).with_name("examples")
SAID = {
    "safe_retries.py": ["replayed: true", "too late: 412 now billing"],
    "chat_queue.py": ["ToUser Hello?", "ToCustomer How can I help?", "UserLast"],
}
PROJECTION = "sessions_per_purpose.py"
COUNTED = "SELECT purpose, count(*) FROM projection_sessionsperpurpose.purpose GROUP BY 1"


def test_each_example_is_tried() -> None:
    tried = {*SAID, PROJECTION, "__init__.py"}
    assert {path.name for path in FOLDER.glob("*.py")} == tried


@pytest.mark.parametrize(("program", "lines"), SAID.items())
def test_an_example_does_what_it_says(
    served: ServiceProcess, program: str, lines: Sequence[str]
) -> None:
    said = subprocess.run(  # our own program
        [sys.executable, FOLDER / program, served.base_url, *ADMIN],
        capture_output=True, text=True, check=False, timeout=patient(30),
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == lines


async def project(served: ServiceProcess, *options: str) -> asyncio.subprocess.Process:
    """The projection of the examples, as a process on the service's data."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli.main", "project", "sessions_per_purpose:SessionsPerPurpose",
        f"--data-dir={served.data_dir}", *options,
        cwd=FOLDER, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_a_projection_of_the_library_goes_on_where_a_killed_one_was(
    served: ServiceProcess,
) -> None:
    owner = await asyncpg.connect(served.database_url)
    async with httpx.AsyncClient(base_url=served.base_url, auth=ADMIN) as client:
        for number in range(3):
            made = await client.post("/ai/sessions", json={"purpose": f"killed {number}"})
            assert made.status_code == 200
        running = await project(served)
        try:
            assert running.stderr is not None
            said = await asyncio.wait_for(running.stderr.readline(), patient(60))
            assert b"sessionsperpurpose follows the log" in said
            await client.post("/ai/sessions", json={"purpose": "killed 0"})
        finally:
            running.kill()
            await running.wait()
        await client.post("/ai/sessions", json={"purpose": "killed 1"})
    caught_up = await project(served, "--once")
    _, said = await asyncio.wait_for(caught_up.communicate(), patient(60))
    assert caught_up.returncode == 0, said.decode()
    counts = dict(map(tuple, await owner.fetch(COUNTED)))
    await owner.close()
    found = {name: count for name, count in counts.items() if name and name.startswith("killed")}
    assert found == {"killed 0": 2, "killed 1": 2, "killed 2": 1}
    shown = served.command("projections").stdout
    assert "sessionsperpurpose\t" in shown
    assert served.command("projections", "forget", "sessionsperpurpose", "--yes").returncode == 0
