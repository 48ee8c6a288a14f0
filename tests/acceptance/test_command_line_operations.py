"""What operators ask at night: how does it stand, what is stuck, which settings are in force."""

import asyncio
import json
import re

import asyncpg
import pytest
from support.commands import CANARY, Run, assert_refused
from support.patience import patient
from support.service_process import ServiceProcess, sessionary

from app.database.embedded_cluster import Cluster
from projections.catalog import VIEWS


def test_each_view_and_follower_is_listed_with_its_place(run: Run) -> None:
    shown = json.loads(run("projections", "--output", "json").stdout)["projections"]
    assert {each["name"] for each in shown} == {
        *(view.name for view in VIEWS),
        "history",
        "activity",
        "people",
        "tree",
    }
    for each in shown:
        assert re.fullmatch(r"0:\d+", each["position"])
        assert list(each) == [
            "name", "version", "partition", "position", "lagEvents", "lagSeconds", "state",
            "owner", "lastRebuild",
        ]  # fmt: skip
    assert "history\t1\t0:" in run("projections").stdout


def test_a_well_service_is_well_in_one_sentence(run: Run) -> None:
    seen = run("status")
    assert (seen.returncode, seen.stderr) == (0, "")
    assert seen.stdout.startswith("well: All goes on: ")
    status = json.loads(run("status", "--output", "json").stdout)
    assert status["ok"] is True
    assert [head["partition"] for head in status["heads"]] == [0]


def test_no_database_is_code_3() -> None:
    ended = sessionary("status", "--database-url=postgresql://nobody@127.0.0.1:1/x")
    assert_refused(ended, 3, "The database is not reachable")


def test_nothing_stuck_is_code_0(run: Run) -> None:
    ended = run("stuck")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "Nothing is stuck\n")


def test_who_is_in_the_way_is_named_with_what_it_does(served: ServiceProcess) -> None:
    async def in_the_way() -> tuple[int, str, str]:
        url = Cluster.at(served.data_dir).url
        blocker = await asyncpg.connect(url, server_settings={"application_name": "psql"})
        waiter = await asyncpg.connect(url, server_settings={"application_name": "a rebuild"})
        await blocker.execute("BEGIN")
        await blocker.execute(f"ALTER TABLE room OWNER TO CURRENT_USER -- {CANARY}")
        waiting = asyncio.create_task(waiter.execute("SELECT count(*) FROM room"))
        try:
            while True:
                ended = await asyncio.to_thread(served.command, "stuck")
                if ended.returncode:
                    return blocker.get_server_pid(), ended.stdout, ended.stderr
        finally:
            await blocker.close()
            await waiting
            await waiter.close()

    async def soon() -> tuple[int, str, str]:
        async with asyncio.timeout(patient(30)):
            return await in_the_way()

    pid, told, talk = asyncio.run(soon())
    assert f"for pid {pid} (psql, as " in told
    assert "ALTER TABLE" in told
    assert CANARY not in told + talk


@pytest.mark.parametrize("output", ["table", "json"])
def test_the_settings_in_force_show_where_they_come_from_and_no_secret(output: str) -> None:
    ended = sessionary(
        "config",
        f"--output={output}",
        "--port=8123",
        f"--database-url=postgresql://app:{CANARY}@db/x?password={CANARY}",
        SESSIONARY_ADMIN_PASSWORD=CANARY,
        SESSIONARY_WORKERS="4",
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert CANARY not in ended.stdout
    if output == "json":
        shown = json.loads(ended.stdout)["settings"]
        found = {each["name"]: (each["value"], each["source"]) for each in shown}
    else:
        lines = (line.split("\t") for line in ended.stdout.splitlines())
        found = {name: (value, source) for name, value, source, _ in lines}
    assert found["--port"] == ("8123", "option")
    assert found["--workers"] == ("4", "environment")
    assert found["--drain-delay"] == ("5.0", "default")
    assert found["--database-url"][0] == "postgresql://app:(hidden)@db/x?password=(hidden)"
    assert found["SESSIONARY_ADMIN_PASSWORD"] == ("(hidden)", "environment")


def test_psql_is_on_the_right_database(served: ServiceProcess) -> None:
    data = f"--data-dir={served.data_dir}"
    ended = sessionary("psql", data, "--", "-Atc", "SELECT count(*) FROM log_partition")
    assert (ended.returncode, ended.stdout) == (0, "1\n"), ended.stderr
    assert sessionary("psql", data, "--", "-c", "SELECT nothing").returncode == 1
