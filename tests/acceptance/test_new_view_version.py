"""A release with a new version of a view is rolled out under load: nothing is lost or wrong."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from support.next_release import next_release
from support.patience import patient
from support.service_process import (
    ADMIN,
    ServiceProcess,
    data_directory,
    end,
    sessionary,
    with_log,
)

SOON_S = 30.0
CLIENTS = 3
HOLD = 7_303
HELD_UP = f"""
CREATE SCHEMA IF NOT EXISTS tests;
CREATE OR REPLACE FUNCTION tests.hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({HOLD});
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER hold_up BEFORE UPDATE OF reached ON rebuild_range
   FOR EACH ROW EXECUTE FUNCTION tests.hold_up();
"""
UNAVAILABLE = 503


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServiceProcess]]:
    """This release, which runs, and the next one on the same data, which does not."""
    with data_directory() as folder:
        data = with_log(folder / "data")
        environment = next_release(tmp_path_factory.mktemp("next"))
        both = [ServiceProcess(data), ServiceProcess(data, environment=environment)]
        try:
            both[0].start()
            yield both
        finally:
            for each in reversed(both):
                if each._process is not None:
                    end(each)


class Caller:
    """Somebody behind a balancer: what one service does not answer is sent to the other, once."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self.purposes: dict[str, str] = {}
        """Of each session, what was acknowledged last."""
        self.retried = 0
        self.failure: Exception | None = None

    def work(self, stop: threading.Event) -> None:
        try:
            with closing(httpx.Client(auth=ADMIN, timeout=patient(60.0))) as client:
                while not stop.is_set():
                    self._one_session(client)
        except Exception as error:
            self.failure = error

    def _one_session(self, client: httpx.Client) -> None:
        session = self._send(client, "POST", "/ai/sessions", {"purpose": "a"})["id"]
        self.purposes[session] = "a"
        for number in range(3):
            path, purpose = f"/ai/sessions/{session}", "b" * (number + 2)
            self._send(client, "PATCH", path, {"purpose": purpose})
            self.purposes[session] = purpose
            assert self._send(client, "GET", path)["purpose"] == purpose

    def _send(
        self, client: httpx.Client, verb: str, path: str, body: dict[str, str] | None = None
    ) -> dict[str, str]:
        headers = {"Idempotency-Key": uuid4().hex, "Accept": "application/json"}
        for url in list(self.urls):
            try:
                answer = client.request(verb, f"{url}{path}", json=body, headers=headers)
            except httpx.TransportError:
                self._turn()
                continue
            if answer.status_code == UNAVAILABLE:
                time.sleep(float(answer.headers["retry-after"]))
                self._turn()
                continue
            assert answer.status_code == 200, answer.text
            found: dict[str, str] = answer.json()
            return found
        raise AssertionError(f"{verb} {path} failed twice: {answer.text}")

    def _turn(self) -> None:
        self.retried += 1
        self.urls.reverse()


def until(holds: Callable[[], bool], served: ServiceProcess) -> None:
    deadline = time.monotonic() + patient(SOON_S)
    while not holds():
        assert time.monotonic() < deadline, served.log
        time.sleep(0.05)


def view(served: ServiceProcess) -> tuple[int, str]:
    """The version and the state of the view that is about AI sessions."""
    shown = json.loads(served.command("projections", "--output", "json").stdout)["projections"]
    found = next(each for each in shown if each["name"] == "ai_session_info")
    return found["version"], found["state"]


async def test_a_rolling_restart_over_it_loses_nothing(releases: list[ServiceProcess]) -> None:
    old, new = releases
    owner = await asyncpg.connect(old.database_url)
    holder = await asyncpg.connect(old.database_url)
    await holder.execute(HELD_UP)
    await holder.execute(f"SELECT pg_advisory_lock({HOLD})")
    callers = [Caller([old.base_url, new.base_url]) for _ in range(CLIENTS)]
    stop = threading.Event()
    threads = [threading.Thread(target=caller.work, args=(stop,)) for caller in callers]
    try:
        for thread in threads:
            thread.start()
        new.begin()
        until(lambda: "Building version 2 of ai_session_info" in new.log, new)

        # Meanwhile the release before serves, and the new one refuses.
        assert old.is_ready()
        assert not new.is_ready()
        refused = httpx.get(f"{new.base_url}/ai/sessions", auth=ADMIN, timeout=patient(60.0))
        assert refused.status_code == UNAVAILABLE
        assert "version 2 of ai_session_info is not live yet" in refused.text
        assert view(new) == (2, "not live")
        assert new.command("accounts", "list").returncode == 2

        await holder.close()
        until(new.is_ready, new)
        until(lambda: not old.is_ready(), old)
        assert old.stop() == 0
        enough = max(len(caller.purposes) for caller in callers) + 2
        until(lambda: all(len(caller.purposes) > enough for caller in callers), new)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [caller.failure for caller in callers] == [None] * CLIENTS
    assert all(caller.purposes and caller.retried for caller in callers)

    known = {session: text for caller in callers for session, text in caller.purposes.items()}
    rows = await owner.fetch("SELECT stream_id, doc ->> 'purpose', letters FROM ai_session_info_v2")
    assert {str(stream): purpose for stream, purpose, _ in rows} == known
    assert {(len(purpose), letters) for _, purpose, letters in rows} <= {(n, n) for n in range(9)}
    assert await owner.fetchval("SELECT to_regclass('ai_session_info')") is None
    assert new.command("verify").returncode == 0
    assert view(new) == (2, "live")
    await owner.close()


async def test_histories_are_made_again_with_the_new_versions_documents(
    releases: list[ServiceProcess],
) -> None:
    _, new = releases
    with httpx.Client(base_url=new.base_url, auth=ADMIN, timeout=patient(60.0)) as client:
        until(lambda: client.get("/ai/sessions?asOf=0s ago").status_code == 200, new)
    owner = await asyncpg.connect(new.database_url)
    missing = (
        "SELECT count(*) FROM ai_session_info_v2 AS v"
        " WHERE NOT EXISTS (SELECT FROM ai_session_info_v2_history AS h WHERE h.doc = v.doc"
        " AND (h.stream_id, h.version, h.letters) = (v.stream_id, v.version, v.letters))"
    )
    assert await owner.fetchval(missing) == 0
    first = "SELECT count(DISTINCT stream_id) FROM ai_session_info_v2_history WHERE version = 1"
    assert await owner.fetchval(first) == await owner.fetchval(
        "SELECT count(*) FROM ai_session_info_v2"
    )
    await owner.close()


def test_the_release_before_does_not_start_any_more(releases: list[ServiceProcess]) -> None:
    old, _ = releases
    ended = old.command("projections")
    assert ended.returncode == 2
    assert "made by a newer one" in ended.stderr


def test_a_new_log_begins_with_the_new_version(
    releases: list[ServiceProcess], empty_database_url: str, key_file: Path
) -> None:
    _, new = releases
    options = (
        f"--database-url={empty_database_url}", f"--master-key-file={key_file}",
        "--allow-unsafe-database",
    )  # fmt: skip
    for command, told in (("migrate", "second_version"), ("verify", ""), ("projections", "\t2\t")):
        ended = sessionary(command, *options, **new.environment)
        assert (ended.returncode, told in ended.stdout) == (0, True), ended.stderr
