"""The examples do what they say."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess

FOLDER = Path(__file__).with_name("examples")
SAID = {
    "safe_retries.py": ["replayed: true", "too late: 412 now billing"],
    "chat_queue.py": ["ToUser Hello?", "ToCustomer How can I help?", "UserLast"],
}


def test_each_example_is_tried() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == {*SAID, "__init__.py"}


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
