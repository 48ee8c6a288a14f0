"""Nobody changes the log: not its owner by mistake, not the service's role at all."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from support import given
from support.database import ONE_PARTITION

from app.service import Service
from app.settings import SERVICE_ROLE, Settings

LOG = ["stored_events", "idempotency_key"]
SECRETS = ["credential", "token", "login_session"]
"""Of these the service reads no hash but by a function, one at a time."""
OPERATORS = ["rebuild_finding", "rebuild_doubt", "view_kept"]
"""What commands keep of a rebuild: the service neither reads nor writes it."""
LEASES = ["lease", "refusal"]
"""By what its processes agree on who does what, and count together."""
TABLES = [
    *LOG,
    *LEASES,
    "log_partition",
    "stream_key",
    "log_setting",
    "ai_session_info",
    "chat_session_entity",
    "account_info",
    "principal",
    "audit_trail",
    "legal_hold",
    "schema_migration",
    "follower_checkpoint",
    "event_index",
    "quarantine",
    "activity",
    "activity_actor",
    "person_term",
    "term_to_forget",
    "tree",
    "tree_tile",
    "log_checkpoint",
    "signing_key",
    "receipt",
    "history_reach",
    "rebuild",
    "rebuild_range",
    "rebuild_ask",
    "view_version",
    "view_behind",
    "view_kept",
    "deed",
    "backup_begun",
    "ai_session_info_history",
    "chat_session_entity_history",
    "account_info_history",
    "principal_history",
    "audit_trail_history",
    "legal_hold_history",
]
"""What the service may read."""
REFUSAL = "address,count,details,name_hash,stream_id,what,written_at"
CHANGES = ["UPDATE {} SET partition = 1", "DELETE FROM {}", "TRUNCATE {}"]


@pytest.fixture(autouse=True)
async def an_event(service: Service) -> None:
    await given.open_ai_session(service, key="k1")


@pytest.fixture
async def role(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection by the service's login."""
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", LOG)
@pytest.mark.parametrize("change", CHANGES, ids=["update", "delete", "truncate"])
async def test_a_change_of_the_log_is_refused_even_to_its_owner(
    owner: asyncpg.Connection, table: str, change: str
) -> None:
    rows = f"SELECT * FROM {table}"  # a name from above
    before = await owner.fetch(rows)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"{table} is append only"):
        await owner.execute(change.format(table))
    assert await owner.fetch(rows) == before != []


async def test_a_change_that_touches_no_event_is_refused_too(owner: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append only"):
        await owner.execute("DELETE FROM stored_events WHERE false")


@pytest.mark.parametrize("change", CHANGES[1:], ids=["delete", "truncate"])
async def test_the_head_of_a_partition_stays(owner: asyncpg.Connection, change: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="log_partition is append only"):
        await owner.execute(change.format("log_partition"))


async def test_the_tables_below_are_all_there_are(owner: asyncpg.Connection) -> None:
    found = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    others = {*SECRETS, *OPERATORS, "number_drawn", "room"}
    assert {row["tablename"] for row in found} == {*TABLES, *others}


async def is_allowed(connection: asyncpg.Connection, statement: str) -> bool:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return False
    finally:
        await transaction.rollback()
    return True


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO {} DEFAULT VALUES",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "LOCK {} IN EXCLUSIVE MODE",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "CREATE TRIGGER t BEFORE INSERT ON {} EXECUTE FUNCTION refuse_change()",
        "DROP TABLE {}",
    ],
)
async def test_the_service_changes_no_table_itself(role: asyncpg.Connection, change: str) -> None:
    untouched = [table for table in TABLES if table not in LEASES] + SECRETS
    assert [table for table in untouched if await is_allowed(role, change.format(table))] == []


async def test_the_service_may_do_nothing_but_its_work(role: asyncpg.Connection) -> None:
    refused = [
        "UPDATE log_partition SET position = 7",
        "UPDATE stored_events SET notification_id = 7",
        "UPDATE ai_session_info SET position = 7",
        "SELECT setval('chat_session_number', 7)",
        "ALTER SEQUENCE chat_session_number RESTART",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS ''",
        "DROP FUNCTION append_1",
        "CREATE TABLE mine ()",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET session_replication_role = replica",
        "ALTER ROLE sessionary_service SUPERUSER",
    ]
    assert [statement for statement in refused if await is_allowed(role, statement)] == []


async def test_the_service_has_no_attribute_and_no_membership_and_owns_nothing(
    role: asyncpg.Connection,
) -> None:
    attributes = await role.fetchrow(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication"
        " FROM pg_roles WHERE rolname = current_user"
    )
    assert attributes is not None
    assert not any(attributes)
    assert (
        await role.fetchval(
            "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
        )
        == 0
    )
    assert (
        await role.fetchval(
            "SELECT (SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole)"
            " + (SELECT count(*) FROM pg_proc WHERE proowner = current_user::regrole)"
            " + (SELECT count(*) FROM pg_namespace WHERE nspowner = current_user::regrole)"
        )
        == 0
    )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM credential",
        "SELECT password_hash FROM credential",
        "SELECT count(*) FROM credential",
        "TABLE token",
        "SELECT hash FROM token",
        "SELECT min(hash) FROM token",
        "SELECT 1 FROM token WHERE hash > '\\x00'",
        "SELECT hash FROM login_session",
        "COPY token (hash) TO STDOUT",
        "INSERT INTO token (hash, principal) VALUES ('\\x00', 'kim')",
        "UPDATE token SET expires_at = NULL",
        "UPDATE token SET hash = '\\x00'",
        "UPDATE login_session SET expires_at = now() + interval '1 year'",
        "DELETE FROM token",
        "DELETE FROM login_session",
        "SELECT keep_credential_1(0, gen_random_uuid(), 'kim', 'x', '{}', NULL, NULL, NULL, NULL,"
        " NULL)",
        "SELECT raise_generation_1(gen_random_uuid())",
        "SELECT end_all_1('kim')",
    ],
)
async def test_no_hash_is_read_in_bulk_and_none_is_written_without_its_event(
    role: asyncpg.Connection, statement: str
) -> None:
    assert not await is_allowed(role, statement)


async def test_nobody_else_may_append(owner: asyncpg.Connection) -> None:
    granted = await owner.fetch(
        "SELECT DISTINCT grantee FROM information_schema.routine_privileges"
        " WHERE routine_name LIKE ANY (ARRAY['append\\_%', 'write\\_%'])"
        "   AND grantee <> current_user"
    )
    assert [row["grantee"] for row in granted] == ["sessionary_service"]


async def test_the_service_may_call_these_of_its_owner_s_functions_and_no_others(
    role: asyncpg.Connection,
) -> None:
    # (One that runs with the rights of its caller, as `read_ends_1`, gives it none.)
    callable_ones = await role.fetch(
        "SELECT DISTINCT proname FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype"
        " AND prosecdef"
        " AND has_function_privilege(oid, 'EXECUTE') ORDER BY proname"
    )
    assert [row["proname"] for row in callable_ones] == [
        "add_signing_key_1", "append_1", "append_principal_1", "ask_rebuild_1",
        "credential_of_name_1", "credential_of_sign_in_1", "credential_of_token_1",
        "draft_receipt_1", "erase_1", "erase_fresh_2", "follow_activity_1",
        "follow_history_1", "follow_people_1", "follow_tree_1", "issue_receipt_1",
        "keep_checkpoint_1", "last_drawn_1",
        "mark_checkpoints_1", "pass_over_message_numbers_1", "pass_over_session_numbers_1",
        "quarantine_1", "redrive_1", "redrive_activity_1", "redrive_history_1", "redrive_people_1",
        "renew_rows_1",
        "restart_follower_1", "settle_1", "steer_rebuild_1", "thin_checkpoints_1",
        "try_room_1", "waiting_1",
    ]  # fmt: skip


@ONE_PARTITION
async def test_an_append_sets_the_position(service: Service, owner: asyncpg.Connection) -> None:
    answer = await given.open_account(service)
    stored = await owner.fetchval("SELECT max(notification_id) FROM stored_events")
    assert answer.folded.position == stored == 2


async def test_the_service_logs_in_as_its_role_and_works_under_it(service: Service) -> None:
    (found,) = await service.pool.ask("SELECT session_user::text, current_user::text")
    assert set(found) == {"sessionary_service"}


async def test_the_service_has_these_rights_to_tables_and_columns_and_no_others(
    owner: asyncpg.Connection, partitions: int
) -> None:
    granted = await owner.fetch(
        "SELECT table_name, privilege_type, '*' AS part FROM information_schema.table_privileges"
        " WHERE grantee = $1 AND table_schema = 'public'"
        " UNION ALL "
        "SELECT table_name, privilege_type, string_agg(column_name, ',' ORDER BY column_name)"
        "  FROM information_schema.column_privileges"
        " WHERE grantee = $1 AND table_schema = 'public' AND privilege_type <> 'SELECT'"
        " GROUP BY table_name, privilege_type",
        SERVICE_ROLE,
    )
    rights = {tuple(row) for row in granted}
    assert {table for table, right, _ in rights if right == "SELECT"} == {
        *TABLES, "recorded_event", *(f"stored_events_{number}" for number in range(partitions))
    }  # fmt: skip
    assert {each for each in rights if each[1] != "SELECT"} == {
        ("token", "UPDATE", "last_used_at"),
        ("login_session", "UPDATE", "seen_at"),
        *(("refusal", right, "*") for right in ("INSERT", "UPDATE", "DELETE")),
        *(("refusal", right, REFUSAL) for right in ("INSERT", "UPDATE")),
        ("lease", "INSERT", "*"),
        ("lease", "INSERT", "holder,name,token,until"),
        ("lease", "UPDATE", "*"),
        ("lease", "UPDATE", "holder,name,token,until"),
    }
