"""What needs no Citus of a log that is distributed: refusals, forms, the place of each table."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from click.testing import CliRunner
from support import given
from support.database import SEVERAL

from app.cli.main import main
from app.database import distribution, migrate
from app.database.errors import SchemaError
from app.database.session import OPENED_WITH, know_arrays
from app.database.sql import statements
from app.log.append import SQL as APPENDS
from app.service import Service
from projections import catalog


def asked(url: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    options = [f"--database-url={url}", f"--data-dir={folder}", "--allow-unsafe-database"]
    ended = CliRunner().invoke(main, ["migrate", *arguments, *options])
    return ended.exit_code, ended.stdout, ended.stderr


def test_a_server_without_citus_is_refused_and_nothing_is_made(
    empty_database_url: str, tmp_path: Path
) -> None:
    code, _, told = asked(empty_database_url, tmp_path, "--partitions=4", "--distributed")
    assert code == 2
    assert "has no extension citus" in told
    assert asked(empty_database_url, tmp_path)[0] == 0
    code, _, told = asked(empty_database_url, tmp_path, "--distributed")
    assert code == 2
    assert "The log was made with plain tables" in told


class Node:
    """A node of Citus, as far as it is asked."""

    def __init__(self, *, is_coordinator: bool, holders: int) -> None:
        self._rows = [{"is_coordinator": is_coordinator, "holders": holders}]

    async def fetchval(self, _sql: str) -> bool:
        return True

    async def fetch(self, _sql: str) -> Sequence[dict[str, int]]:
        return self._rows


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (Node(is_coordinator=False, holders=2), "the URL must name the coordinator"),
        (Node(is_coordinator=True, holders=0), "No node of Citus takes tables"),
    ],
)
async def test_a_node_that_cannot_distribute_is_refused(node: Node, told: str) -> None:
    with pytest.raises(SchemaError, match=told):
        await distribution.require_nodes(cast("asyncpg.Connection", node))


async def test_each_table_has_its_place_and_a_distributed_one_its_partition_in_each_key(
    owner: asyncpg.Connection,
) -> None:
    placed = await owner.fetch(distribution.SQL["tables"], catalog.tables())
    made = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    assert sorted(row["name"] for row in placed) == sorted(row["relname"] for row in made)
    assert placed[0]["name"] == "log_partition"
    distributed = [row["name"] for row in placed if row["kind"] == "distributed"]
    assert {"stored_events", "ai_session_info", "tree_tile"} <= set(distributed)
    copied = {row["name"] for row in placed if row["kind"] == "copied"}
    assert {"account_info", "principal_history", "log_setting"} <= copied
    without = await owner.fetch(
        "SELECT i.indexrelid::regclass FROM pg_index AS i JOIN pg_attribute AS a"
        " ON a.attrelid = i.indrelid AND a.attname = 'partition'"
        " WHERE i.indisunique AND i.indrelid = ANY ($1::text[]::regclass[])"
        " AND NOT a.attnum = ANY (i.indkey)",
        distributed,
    )
    assert without == []


@pytest.mark.parametrize("form", ["plain", "distributed"])
def test_a_script_is_sent_statement_by_statement(form: str) -> None:
    texts = [script.sql for script in migrate.functions(form)]
    for text in [*texts, *(migration.sql for migration in migrate.available())]:
        bare = [bare_of(part) for part in statements(text)]
        assert "".join(";".join([*bare, ""]).split()) == "".join(bare_of(text).split())
        for part in bare:
            assert re.match(r"[A-Z]+ ", part), part[:80]
            assert part.count("$$") in (0, 2)


def bare_of(text: str) -> str:
    """Without comments."""
    return re.sub(r"--[^\n]*", "", text).strip()


class Curious(asyncpg.Connection):
    """A connection that tells when it looks a type up."""

    async def _introspect_types(self, *_: object) -> Any:
        raise AssertionError("it looked types up")


async def test_no_statement_of_a_worker_waits_for_a_look_at_types(database_url: str) -> None:
    connection = await asyncpg.connect(
        database_url, connection_class=Curious, server_settings=OPENED_WITH
    )
    know_arrays(connection)
    for name in ("append", "append_one"):
        await connection.prepare(APPENDS[name])
    assert await connection.fetchval("SELECT $1::bigint[]", [2**40, None]) == [2**40, None]
    assert await connection.fetchval("SELECT $1::bool[]", [True]) == [True]
    await connection.close()


@pytest.mark.parametrize("partitions", [SEVERAL], ids=["several"])
async def test_reads_have_the_same_answers_in_both_forms(
    service: Service, owner: asyncpg.Connection, partitions: int
) -> None:
    opened = [await given.open_ai_session(service, purpose="p") for _ in range(3 * partitions)]
    for each in opened:
        await given.patch_ai_session(service, given.session_of(each), "q")
    await owner.execute(
        "INSERT INTO view_behind"
        " SELECT 'ai_session_info', partition, stream_id FROM ai_session_info"
    )
    await owner.execute(
        "INSERT INTO person_term SELECT partition, t, stream_id"
        " FROM ai_session_info CROSS JOIN generate_series(1, 2) AS t"
    )
    await owner.execute(
        "INSERT INTO activity SELECT n, 'a', '2026-01-01', n, 1, 1 FROM generate_series(0, 1) AS n"
    )
    await owner.execute(
        "INSERT INTO activity_actor"
        " SELECT n, 'a', '2026-01-01', 'kim' FROM generate_series(0, 1) AS n"
    )
    streams = [each.folded.stream for each in opened]
    homes = [each.folded.partition for each in opened]
    at = await owner.fetchval("SELECT max(recorded_at) FROM stored_events")
    reads: dict[str, tuple[object, ...]] = {
        "read_ends_1($1, $2, $3)": (homes, streams, [2] * len(streams)),
        "read_back_1($1, $2, $3, 99, 5, 50)": (homes[0], streams[0], "ai_session.patched.v1"),
        "read_back_1($1, $2, 'none', 99, 5, 50)": (homes[0], streams[0]),
        "cut_at_1($1)": (at,),
        "counted_1($1)": ([at],),
        "strays_1()": (),
        "stray_rows_1('ai_session_info')": (),
        "behind_1($1, 100)": (["ai_session_info"],),
        "far_behind_1($1, 3)": (["ai_session_info", "none"],),
        "stream_ends_1($1, $2)": (homes, streams),
        "people_found_1($1, NULL, 100)": ([1, 2],),
        "people_found_1($1, NULL, 100)  ": ([1, 3],),
        "newest_found_1($1, NULL, NULL, 100)": ([1, 2],),
        "activity_read_1(NULL, NULL, NULL, 9)": (),
        "lock_heads_1()": (),
        "look_up_ai_session_info_1($1, $2)": (homes, streams),
        "load_ai_session_info_1($1, $2)": (homes, streams),
        "load_ai_session_info_1($1, $2) ": ([0], [streams[0]]),
    }
    answers = []
    for form in ("plain", "distributed"):
        await owner.execute("DELETE FROM log_setting WHERE name = 'functions'")
        await owner.execute("INSERT INTO log_setting VALUES ('functions', $1)", form)
        await migrate.migrate(owner, migrate.available())
        answers.append(
            {
                call: sorted(map(repr, await owner.fetch(f"SELECT * FROM {call}", *given_)))
                for call, given_ in reads.items()
            }
        )
    assert answers[0] == answers[1]
    empty = {call for call, rows in answers[0].items() if not rows}
    assert empty == {
        "strays_1()",
        "stray_rows_1('ai_session_info')",
        "people_found_1($1, NULL, 100)  ",
    }
