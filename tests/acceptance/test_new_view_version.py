"""A release with a new version of a view is rolled out under load: nothing is lost or wrong."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from support.asked import held_up
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

SOON_S = 90.0
CLIENTS = 3
SESSIONS = 2
LONG_AGO_S = 15
"""Histories are up to then, however busy the machine is."""
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
    """Somebody behind a balancer: what one service does not answer is sent to another, once."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        """Of the services behind the balancer: others change this."""
        self.purposes: dict[str, str] = {}
        """Of each session, what was acknowledged last."""
        self.retried = 0
        self.failure: Exception | None = None
        self.looked_back = 0
        """Lists of a past moment that were read."""
        self._made: deque[tuple[float, str]] = deque()
        self._turns = count()

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
        path = f"/ai/sessions/{session}"
        for number in range(3):
            purpose = "b" * (number + 2)
            self._send(client, "PATCH", path, {"purpose": purpose})
            self.purposes[session] = purpose
            assert self._send(client, "GET", path)["purpose"] == purpose
        self._made.append((time.monotonic(), session))
        while len(self._made) > 1 and self._made[1][0] < time.monotonic() - LONG_AGO_S - 1:
            self._made.popleft()
        at, session = self._made[0]
        if at < time.monotonic() - LONG_AGO_S - 1:
            then = f"/ai/sessions?asOf={LONG_AGO_S}s ago&specificIds={session}"
            (found,) = self._send(client, "GET", then)["items"]
            assert found["purpose"] == self.purposes[session]
            self.looked_back += 1

    def _send(
        self, client: httpx.Client, verb: str, path: str, body: dict[str, str] | None = None
    ) -> dict[str, Any]:
        headers = {"Idempotency-Key": uuid4().hex, "Accept": "application/json"}
        said = ""
        for _ in range(2):
            url = self.urls[next(self._turns) % len(self.urls)]
            try:
                answer = client.request(verb, f"{url}{path}", json=body, headers=headers)
            except httpx.TransportError as error:
                said = repr(error)
                self.retried += 1
                continue
            if answer.status_code == UNAVAILABLE:
                said = answer.text
                time.sleep(float(answer.headers["retry-after"]))
                self.retried += 1
                continue
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found
        raise AssertionError(f"{verb} {path} failed twice: {said}")


@contextmanager
def load(services: Sequence[ServiceProcess]) -> Iterator[list[Caller]]:
    """Callers of services, none of whom fails; at the end each has made sessions."""
    callers = [Caller([each.base_url for each in services]) for _ in range(CLIENTS)]
    stop = threading.Event()
    threads = [threading.Thread(target=caller.work, args=(stop,)) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    failures = [caller.failure for caller in callers if caller.failure is not None]
    if failures:
        raise failures[0]


def until(holds: Callable[[], bool], served: ServiceProcess) -> None:
    deadline = time.monotonic() + patient(SOON_S)
    while not holds():
        assert time.monotonic() < deadline, served.log
        time.sleep(0.05)


def go_on(callers: Sequence[Caller], served: ServiceProcess) -> None:
    """Return when each caller has made some sessions more, or has failed."""
    wanted = [len(caller.purposes) + SESSIONS for caller in callers]
    until(
        lambda: all(
            caller.failure is not None or len(caller.purposes) >= enough
            for caller, enough in zip(callers, wanted, strict=True)
        ),
        served,
    )


def views(served: ServiceProcess) -> dict[int, str]:
    """The state of each version of the view that is about AI sessions."""
    shown = json.loads(served.command("projections", "--output", "json").stdout)["projections"]
    return {each["version"]: each["state"] for each in shown if each["name"] == "ai_session_info"}


async def rows(owner: asyncpg.Connection, table: str) -> dict[str, str]:
    found = await owner.fetch(f"SELECT stream_id, doc ->> 'purpose' FROM {table}")
    return {str(stream): purpose for stream, purpose in found}


def begins_beside(old: ServiceProcess, new: ServiceProcess) -> None:
    """While the new version is built, the release before serves, and the new one refuses."""
    new.begin()
    until(lambda: "Building version 2 of ai_session_info" in new.log, new)
    assert old.is_ready()
    assert not new.is_ready()
    refused = httpx.get(f"{new.base_url}/ai/sessions", auth=ADMIN, timeout=patient(60.0))
    assert refused.status_code == UNAVAILABLE
    assert "version 2 of ai_session_info is not live yet" in refused.text
    assert views(new) == {2: "not live", 1: "live"}
    assert new.command("accounts", "list").returncode == 2


async def test_it_is_rolled_out_and_back_and_out_again_under_load(
    releases: list[ServiceProcess],
) -> None:
    old, new = releases
    owner = await asyncpg.connect(old.database_url)
    with load([old]) as callers:
        async with held_up(old):
            begins_beside(old, new)
        until(new.is_ready, new)
        assert old.is_ready()
        for caller in callers:  # each request goes to the other release than the one before
            caller.urls = [old.base_url, new.base_url]
        go_on(callers, new)
        assert views(new) == {2: "live", 1: "kept"} == views(old)
        assert old.stop() == 0
        go_on(callers, new)
        for caller in callers:
            caller.urls = [new.base_url]
        go_on(callers, new)

        # And back: the release before is started again, and catches up.
        old.start()
        for caller in callers:
            caller.urls = [new.base_url, old.base_url]
        go_on(callers, new)
        went = new.command("projections", "back", "ai_session_info")
        assert went.returncode == 0, went.stderr
        assert views(old) == {2: "kept", 1: "live"}
        assert new.stop() == 0
        go_on(callers, old)
        until(lambda: all(caller.failure or caller.looked_back for caller in callers), old)
    known = {session: text for caller in callers for session, text in caller.purposes.items()}
    assert all(caller.retried and caller.looked_back for caller in callers)
    assert await rows(owner, "ai_session_info") == known
    assert await rows(owner, "ai_session_info_v2") != known  # nobody has caught it up
    ahead = old.command("projections", "back", "ai_session_info")
    assert (ahead.returncode, "start one of its release first" in ahead.stderr) == (2, True)

    new.start()
    assert old.command("projections", "back", "ai_session_info").returncode == 0
    assert await rows(owner, "ai_session_info_v2") == known
    letters = "SELECT length(doc ->> 'purpose') = letters FROM ai_session_info_v2"
    assert {row[0] for row in await owner.fetch(letters)} == {True}
    for each in releases:
        assert each.command("verify").stdout == ""
    await owner.close()


async def test_each_version_has_its_history(releases: list[ServiceProcess]) -> None:
    owner = await asyncpg.connect(releases[1].database_url)
    for table in ("ai_session_info", "ai_session_info_v2"):
        missing = (
            f"SELECT count(*) FROM {table} AS v"
            f" WHERE NOT EXISTS (SELECT FROM {table}_history AS h WHERE h.doc = v.doc"
            " AND (h.stream_id, h.version) = (v.stream_id, v.version))"
        )
        deadline = time.monotonic() + patient(SOON_S)
        while await owner.fetchval(missing):
            assert time.monotonic() < deadline, table
            time.sleep(0.05)
        versions = f"SELECT count(*), count(DISTINCT stream_id) FROM {table}_history"
        events = "SELECT count(*) FROM stored_events WHERE topic LIKE 'ai\\_session%'"
        (kept,) = await owner.fetch(versions)
        assert tuple(kept) == (await owner.fetchval(events), await streams_of(owner))
    await owner.close()


async def streams_of(owner: asyncpg.Connection) -> int:
    found: int = await owner.fetchval("SELECT count(*) FROM ai_session_info")
    return found


async def test_the_version_before_serves_until_it_is_dropped(
    releases: list[ServiceProcess],
) -> None:
    old, new = releases
    assert new.command("projections", "drop", "ai_session_info").returncode == 0
    until(lambda: not old.is_ready(), old)
    refused = httpx.get(f"{old.base_url}/ai/sessions", auth=ADMIN, timeout=patient(60.0))
    assert refused.status_code == UNAVAILABLE
    assert new.is_ready()
    assert views(new) == {2: "live"}
    gone = new.command("projections", "back", "ai_session_info")
    assert (gone.returncode, "no way back" in gone.stderr) == (2, True)
    assert old.stop() == 0
    ended = old.command("accounts", "list")
    assert (ended.returncode, "this release has a former one" in ended.stderr) == (2, True)
    assert new.command("verify").returncode == 0


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
