"""What others made on a view's table is named before the work; what they may is carried over."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner
from support import database, given

from app.cli.main import main
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild import dependants, tables
from app.rebuild import rebuild as rebuilding
from app.rebuild.catch_up import Positions
from app.rebuild.dependants import ViewDependedOn
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from projections.view import WRITTEN

DEPENDANTS = {
    "view": ("CREATE VIEW mine AS SELECT stream_id FROM {}", "view mine"),
    "materialized view": (
        "CREATE MATERIALIZED VIEW mine AS SELECT doc FROM {}",
        "materialized view mine",
    ),
    "view of rows": ("CREATE VIEW mine AS SELECT v FROM {} AS v", "view mine"),
    "rule": ("CREATE RULE mine AS ON DELETE TO {} DO ALSO NOTHING", "rule mine on table {}"),
    "foreign key": (
        "CREATE UNIQUE INDEX other ON {} (partition, stream_id);"
        "CREATE TABLE mine"
        " (p integer, s uuid, FOREIGN KEY (p, s) REFERENCES {} (partition, stream_id))",
        "constraint mine_p_s_fkey on table mine",
    ),
    "own foreign key": (
        "CREATE TABLE mine (id bigint PRIMARY KEY);"
        "ALTER TABLE {} ADD CONSTRAINT mine FOREIGN KEY (version) REFERENCES mine NOT VALID",
        "constraint mine on table {}",
    ),
    "policy": ("CREATE POLICY mine ON {}", "policy mine on table {}"),
    "row level security": ("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", "row level security of"),
    "publication": ("CREATE PUBLICATION mine FOR TABLE {}", "publication of table {}"),
    "replica identity": (
        "CREATE UNIQUE INDEX mine ON {} (stream_id);"
        "ALTER TABLE {} REPLICA IDENTITY USING INDEX mine",
        "replica identity of table {}",
    ),
    "trigger": (
        "CREATE TRIGGER mine BEFORE DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        "trigger mine on table {}",
    ),
    "function of rows": (
        "CREATE FUNCTION mine({}) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "function mine({})",
    ),
    "function that reads": (
        "CREATE FUNCTION mine() RETURNS bigint LANGUAGE sql BEGIN ATOMIC"
        " SELECT count(*) FROM {}; END",
        "function mine()",
    ),
    "column of rows": ("CREATE TABLE mine (held {})", "column held of table mine"),
    "heir": ("CREATE TABLE mine () INHERITS ({})", "table mine"),
    "column": ("ALTER TABLE {} ADD COLUMN mine integer", "column mine of table {}"),
}
HARMLESS = {
    "index": "CREATE INDEX mine ON {} (modified_at)",
    "statistics": "CREATE STATISTICS mine ON created_at, modified_at FROM {}",
    "check": "ALTER TABLE {} ADD CONSTRAINT mine CHECK (version > 0)",
    "replica identity": "ALTER TABLE {} REPLICA IDENTITY FULL",
    "comment": "COMMENT ON TABLE {} IS 'mine'",
    "function by name": "CREATE FUNCTION mine() RETURNS bigint LANGUAGE sql AS"
    " 'SELECT count(*) FROM {}'",
}
NAMES = [view.name for view in named(())]


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@pytest.mark.parametrize("kind", DEPENDANTS)
async def test_what_a_swap_would_break_is_named_before_the_work(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    await given.open_ai_session(service)
    view = "ai_session_info" if kind != "policy" else "chat_session_entity"
    statement, told = (text.replace("{}", view) for text in DEPENDANTS[kind])
    await owner.execute(statement)
    monkeypatch.setattr(tables, "make_fresh", None)  # nothing is begun
    with pytest.raises(ViewDependedOn) as caught:
        await rebuild(store, keyring, named(()), silent)
    assert told in str(caught.value)
    assert view in str(caught.value)
    monkeypatch.undo()
    others = [name for name in NAMES if name != view]
    if not await owner.fetchval("SELECT to_regclass('mine') IS NOT NULL AND $1", kind == "heir"):
        await rebuild(store, keyring, named(others), silent)


@pytest.mark.parametrize("kind", HARMLESS)
async def test_what_is_copied_or_only_looks_is_in_nobodys_way(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring, kind: str
) -> None:
    await given.open_ai_session(service)
    await owner.execute(HARMLESS[kind].replace("{}", "ai_session_info"))
    for _ in range(2):
        await rebuild(store, keyring, named(()), silent)
    assert await verify(store, keyring, silent) == []
    if kind == "replica identity":
        assert await owner.fetchval(
            "SELECT relreplident = 'f' FROM pg_class WHERE oid = 'ai_session_info'::regclass"
        )


async def test_what_comes_during_the_work_is_named_too(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await given.open_ai_session(service)
    compare = rebuilding._Run._compare

    async def compare_late(run: rebuilding._Run, reached: Positions) -> object:
        await owner.execute("CREATE VIEW mine AS SELECT stream_id FROM ai_session_info")
        return await compare(run, reached)

    monkeypatch.setattr(rebuilding._Run, "_compare", compare_late)
    with pytest.raises(ViewDependedOn, match="view mine"):
        await rebuild(store, keyring, named(["ai_session_info"]), silent)
    assert await owner.fetchval("SELECT to_regclass('ai_session_info_new')") is None
    assert await verify(store, keyring, silent) == []


async def test_appends_that_wait_for_a_swap_do_not_wait_for_a_look_through_the_catalogue(
    store: Connection,
) -> None:
    explain = f"EXPLAIN {dependants.SQL['dependants']}"
    plan = "\n".join(row[0] for row in await store.ask(explain, "ai_session_info", WRITTEN))
    assert "pg_depend_reference_index" in plan
    assert "Seq Scan" not in plan


async def test_what_others_may_is_neither_more_nor_less_afterwards(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await given.open_ai_session(service)
    asked = (
        "SELECT attname, x.grantee, x.privilege_type, x.is_grantable FROM pg_class AS c"
        " LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL"
        " CROSS JOIN LATERAL aclexplode(coalesce(a.attacl, c.relacl)) AS x"
        " WHERE c.oid = 'ai_session_info'::regclass ORDER BY 1, 2, 3"
    )
    try:
        await owner.execute("GRANT SELECT (doc), UPDATE (doc) ON ai_session_info TO pg_monitor")
        await owner.execute("GRANT SELECT (version) ON ai_session_info TO PUBLIC")
        await owner.execute("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO pg_checkpoint, PUBLIC")
        before = await owner.fetch(asked)
        await rebuild(store, keyring, named(()), silent)
        assert await owner.fetch(asked) == before
    finally:
        await owner.execute(
            "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM pg_checkpoint, PUBLIC"
        )


def test_the_command_names_it_and_ends_with_2(database_url: str, tmp_path: Path) -> None:
    async def depend() -> None:
        owner = await asyncpg.connect(database_url)
        await owner.execute("CREATE VIEW mine AS SELECT stream_id FROM account_info")
        await owner.close()

    asyncio.run(depend())
    database.write_master_key(tmp_path / "master.key")
    arguments = [f"--database-url={database_url}", f"--data-dir={tmp_path}"]
    ended = CliRunner().invoke(main, ["rebuild", *arguments, "--allow-unsafe-database"])
    assert ended.exit_code == 2
    assert "others depend on its table: view mine" in ended.stderr
    assert "Traceback" not in ended.stderr
