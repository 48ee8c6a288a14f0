"""The service's log as a program reads it: JSON, from the first line to the last."""

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from support.patience import patient
from support.service_process import STARTS_S, ServiceProcess, data_directory, free_port, sessionary
from support.service_process import service as running_service

STARTED = re.compile(r'"Started worker-(\d)"')
FIXED = ["time", "level", "logger", "message", "requestId", "worker"]


@pytest.fixture(scope="module")
def ended() -> Iterator[ServiceProcess]:
    """A service with two workers that was started, and ended by a signal."""
    with running_service("--workers=2", "--log-format=json", "--log-level=debug") as served:
        served.workers()[0].kill()
        deadline = time.monotonic() + patient(STARTS_S)
        # (Both may have started before the end of the killed one is seen, and told as an error.)
        while '"ERROR"' not in served.log or set(STARTED.findall(served.log)) != {"1", "2"}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert served.stop() == 0
        yield served


def test_every_line_is_an_object_with_all_that_is_fixed(ended: ServiceProcess) -> None:
    lines = [json.loads(line) for line in ended.log.splitlines()]
    for line in lines:
        assert list(line)[: len(FIXED)] == FIXED
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
        assert line["worker"] in ("main", "worker-1", "worker-2")
    said = [line["message"] for line in lines]
    first = next(message for message in said if not message.startswith("Running as root"))
    assert first.startswith("Starting PostgreSQL in")
    assert any(message.startswith("Serving on http://") for message in said)
    assert any("Listening at" in message for message in said)
    assert {line["worker"] for line in lines} == {"main", "worker-1", "worker-2"}
    assert {"INFO", "DEBUG", "ERROR"} <= {line["level"] for line in lines}
    assert ended.data == ""


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--database-url=postgresql://app@127.0.0.1:1/x"], 3, "not reachable"),
        (["--host=0"], 2, "in the clear"),
        (["--tls-cert=/nowhere"], 2, "--tls-key is missing"),
    ],
    ids=["not reachable", "refused", "wrong use"],
)
def test_why_it_does_not_start_is_a_line_too(options: list[str], code: int, sentence: str) -> None:
    with data_directory() as folder:
        refused = sessionary(
            "serve", f"--data-dir={folder}", f"--port={free_port()}", "--log-format=json", *options
        )
    assert refused.returncode == code
    *_, last = [json.loads(line) for line in refused.stderr.splitlines()]
    assert last["level"] == "ERROR"
    assert sentence in last["message"]


def test_a_level_hides_what_is_below_it() -> None:
    with running_service("--log-level=error") as served:
        assert "_granian" not in served.log
