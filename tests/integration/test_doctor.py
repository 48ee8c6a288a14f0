"""`doctor` says in a line a check what is well and what is not."""

import asyncio
import json
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import asyncpg
import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from support import database

from app.cli import serve as serving
from app.cli.main import main
from app.integrity import doctor
from app.integrity.doctor import CHECKS, Examination, examine
from app.maintenance.store import Connection, DataLocation
from app.settings import SERVICE_ROLE

WRONG = {
    "collation": "UPDATE pg_database SET datcollversion = '0.1' WHERE datname = current_database()",
    "schema": "DELETE FROM schema_migration WHERE number = (SELECT max(number) FROM"
    " schema_migration)",
    "rights": "GRANT EXECUTE ON FUNCTION append_1 TO PUBLIC",
    "guards": "DROP TRIGGER append_only ON stored_events",
    "indexes": "DROP INDEX chat_session_entity_person_id_idx",
    "vacuum": "ALTER TABLE stored_events SET (autovacuum_enabled = false)",
    "master key": "UPDATE log_setting SET value = 'another' WHERE name = 'master_key_check'",
    "durability": "SET synchronous_commit = off",
    "server": "SET search_path = pg_catalog",
}


@pytest.fixture
def examination(store: Connection, database_url: str, tmp_path: Path) -> Examination:
    database.write_master_key(tmp_path / "master.key")
    where = DataLocation(
        database_url=database.service_url(database_url), owner_url=database_url, data_dir=tmp_path
    )
    return Examination(store, where)


async def states(examination: Examination) -> dict[str, str]:
    return {finding.check: finding.state for finding in await examine(examination)}


async def test_a_new_log_is_well(examination: Examination) -> None:
    found = await states(examination)
    assert found.pop("release") in ("well", "warning")
    assert found == dict.fromkeys(CHECKS.keys() - {"release"}, "well")


async def test_the_server_is_named_as_it_names_itself(examination: Examination) -> None:
    version = await examination.store.raw.fetchval("SHOW server_version")
    (told,) = [f.message for f in await examine(examination) if f.check == "server"]
    assert told.startswith(f"PostgreSQL {version.split()[0]},")


@pytest.fixture
async def with_version(owner: asyncpg.Connection) -> None:
    """Passes over servers whose own locale never changes."""
    version = await owner.fetchval(
        "SELECT datcollversion FROM pg_database WHERE datname = current_database()"
    )
    if version is None:
        pytest.skip("the server's own locale has no version")


@pytest.mark.usefixtures("with_version")
@pytest.mark.parametrize("check", WRONG)
async def test_what_is_wrong_is_told_by_its_check(
    examination: Examination, owner: asyncpg.Connection, check: str
) -> None:
    on = examination.store.raw if WRONG[check].startswith("SET") else owner
    await on.execute(WRONG[check])
    found = await states(examination)
    assert found[check] == "wrong"
    if check in ("collation", "rights", "guards", "durability", "indexes", "vacuum"):
        assert [each for each, state in found.items() if state == "wrong"] == [check]


async def test_a_clock_that_is_apart_is_told(
    examination: Examination, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(UTC) + timedelta(seconds=doctor.CLOCK_APART_S + 60)

    monkeypatch.setattr(doctor, "datetime", Ahead)
    assert (await states(examination))["clock"] == "wrong"


async def test_a_standby_that_cannot_be_read_is_a_warning(examination: Examination) -> None:
    where = replace(examination.where, read_url=examination.where.database_url)
    (found,) = [
        each
        for each in await examine(Examination(examination.store, where))
        if each.check == "standby"
    ]
    assert found.state == "warning"
    assert "so the primary is: " in found.message
    assert "it takes writes itself, so it is no standby" in found.message


async def test_what_was_taken_upon_oneself_is_a_warning(examination: Examination) -> None:
    where = DataLocation(database_url="", data_dir=Path(), allow_unsafe_database=True)
    await examination.store.raw.execute("SET synchronous_commit = off")
    found = await states(Examination(examination.store, where))
    assert found["durability"] == "warning"


def doctors(url: str, folder: Path, *options: str) -> tuple[int, str, str]:
    arguments = ["doctor", *database.logins(url), f"--data-dir={folder}", *options]
    ended = CliRunner().invoke(main, arguments)
    return ended.exit_code, ended.stdout, ended.stderr


@pytest.fixture
def key_folder(tmp_path: Path) -> Path:
    database.write_master_key(tmp_path / "master.key")
    return tmp_path


def test_a_line_a_check_and_0_when_all_is_well(database_url: str, key_folder: Path) -> None:
    code, said, _ = doctors(database_url, key_folder)
    assert code == 0, said
    lines = [line.split("\t") for line in said.splitlines()]
    assert [line[0] for line in lines] == list(CHECKS)
    assert {line[1] for line in lines if line[0] != "release"} == {"well"}
    assert all(len(line) == 3 for line in lines)


def test_in_json_and_1_when_something_is_wrong(database_url: str, key_folder: Path) -> None:
    async def spoil() -> None:
        owner = await asyncpg.connect(database_url)
        await owner.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC")
        await owner.execute(f"REVOKE ALL ON stored_events FROM {SERVICE_ROLE}")
        await owner.close()

    asyncio.run(spoil())
    code, said, _ = doctors(database_url, key_folder, "--output=json")
    found = json.loads(said)
    assert (code, found["ok"]) == (1, False)
    (rights,) = (check for check in found["checks"] if check["check"] == "rights")
    assert rights["state"] == "wrong"
    assert "everybody (PUBLIC) may execute append_1" in rights["message"]
    assert f"{SERVICE_ROLE} may not SELECT stored_events" in rights["message"]


def test_an_empty_database_is_told_as_one_and_stays_so(
    empty_database_url: str, tmp_path: Path
) -> None:
    code, said, _ = doctors(empty_database_url, tmp_path)
    assert code == 1
    assert "schema\twrong\tThe database holds no log" in said
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_reachable_is_3(tmp_path: Path) -> None:
    code, said, told = doctors("postgresql://x@127.0.0.1:9/x", tmp_path)
    assert (code, said) == (3, "")
    assert "not reachable" in told


@pytest.mark.usefixtures("with_version")
async def test_serving_tells_of_a_changed_order(
    examination: Examination, owner: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await owner.execute(WRONG["collation"])
    administrator = serving.Administrator("admin", "right as rain")
    where = examination.where
    assert where.owner_url is not None
    await serving._prepare(where.owner_url, where, administrator)
    assert "REFRESH COLLATION VERSION" in capsys.readouterr().err


@pytest.mark.usefixtures("with_version")
def test_verifying_tells_of_a_changed_order_and_is_well(
    database_url: str, key_folder: Path
) -> None:
    async def change() -> None:
        owner = await asyncpg.connect(database_url)
        await owner.execute(WRONG["collation"])
        await owner.close()

    asyncio.run(change())
    arguments = ["verify", f"--database-url={database_url}", f"--data-dir={key_folder}"]
    ended = CliRunner().invoke(main, [*arguments, "--allow-unsafe-database"])
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "REFRESH COLLATION VERSION" in ended.stderr
