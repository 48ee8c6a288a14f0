"""Commands of the console as scripts run them, and how they refuse."""

import subprocess
from collections.abc import Callable

CANARY = "canary-7b1e-password"
Run = Callable[..., subprocess.CompletedProcess[str]]


def assert_refused(ended: subprocess.CompletedProcess[str], code: int, sentence: str) -> None:
    assert ended.returncode == code, ended.stderr
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
