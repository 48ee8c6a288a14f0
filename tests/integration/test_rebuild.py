"""`rebuild` makes the views anew, and leaves all else as it was."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from support import given
from support.beside import silent
from support.rebuilt import a_few_of_each, fresh_tables, oids

from app.faces.evo.list_query import AccountsQuery, list_accounts
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild import pieces
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from projections.catalog import VIEWS

NAMES = [view.name for view in VIEWS]
SHAPE = {
    "parameters": "SELECT reloptions FROM pg_class WHERE oid = $1::text::regclass",
    "owner": "SELECT relowner FROM pg_class WHERE oid = $1::text::regclass",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = $1 ORDER BY 1",
    "constraints": "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid = $1::text::regclass ORDER BY 1",
    "columns": "SELECT attname, atttypid, attnotnull, attgenerated FROM pg_attribute"
    " WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
    "grants": "SELECT grantee, privilege_type, is_grantable FROM information_schema."
    "role_table_grants WHERE table_name = $1 ORDER BY 1, 2",
}


async def shape(owner: asyncpg.Connection) -> dict[tuple[str, str], Sequence[Any]]:
    return {
        (name, what): [tuple(row) for row in await owner.fetch(sql, name)]
        for name in NAMES
        for what, sql in SHAPE.items()
    }


async def test_rebuilt_views_equal_the_log_and_nothing_was_to_mend(
    service: Service, store: Connection, keyring: Keyring
) -> None:
    await a_few_of_each(service)
    rebuilt = await rebuild(store, keyring, named(()), silent)
    rows = {
        "ai_session_info": 4,
        "chat_session_entity": 5,
        "account_info": 1,
        "principal": 0,
        "audit_trail": 0,
        "legal_hold": 0,
    }
    assert rebuilt.events == dict.fromkeys(NAMES, 17)
    assert rebuilt.rows == rows
    assert rebuilt.mended == dict.fromkeys(NAMES, 0)
    assert rebuilt.passed == rebuilt.damaged == []
    assert await verify(store, keyring, silent) == []


async def test_line_breaks_in_stored_events_and_names_are_like_other_characters(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await a_few_of_each(service)
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute("UPDATE stored_events SET state = state || '\\x0a', actor = E'a\\nb'")
    for name in NAMES:
        await owner.execute(f"UPDATE {name} SET created_by = E'a\\nb', modified_by = E'a\\nb'")
    rebuilt = await rebuild(store, keyring, named(()), silent)
    assert rebuilt.mended == dict.fromkeys(NAMES, 0)
    assert rebuilt.damaged == []


@pytest.mark.parametrize("rows_a_piece", [1, 2_000])
async def test_a_rebuild_mends_rows_and_says_how_many(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    rows_a_piece: int,
) -> None:
    monkeypatch.setattr(pieces, "PIECE_ROWS", rows_a_piece)
    await a_few_of_each(service)
    one = "(SELECT stream_id FROM ai_session_info ORDER BY stream_id LIMIT 1)"
    last = "(SELECT stream_id FROM ai_session_info ORDER BY stream_id DESC LIMIT 1)"
    await owner.execute(
        f'UPDATE ai_session_info SET doc = doc || \'{{"purpose": "x"}}\' WHERE stream_id = {one}'
    )
    await owner.execute(f"UPDATE ai_session_info SET created_by = 'x' WHERE stream_id = {last}")
    await owner.execute("DELETE FROM account_info")
    await owner.execute(
        "INSERT INTO chat_session_entity SELECT 0, gen_random_uuid(), version, position,"
        " created_by, created_at, modified_by, modified_at, doc FROM chat_session_entity LIMIT 1"
    )
    assert await verify(store, keyring, silent) != []
    rebuilt = await rebuild(store, keyring, named(()), silent)
    assert rebuilt.mended == {
        "ai_session_info": 2, "account_info": 1, "chat_session_entity": 1, "principal": 0,
        "audit_trail": 0, "legal_hold": 0,
    }  # fmt: skip
    assert await verify(store, keyring, silent) == []


async def test_tables_keep_their_shape_and_running_services_notice_nothing(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await a_few_of_each(service)
    await owner.execute("CREATE INDEX \"by Hand\" ON ai_session_info ((doc ->> 'purpose'))")
    await owner.execute("GRANT SELECT ON account_info TO PUBLIC")
    await owner.execute("GRANT UPDATE ON account_info TO sessionary_service WITH GRANT OPTION")
    opened = await given.open_ai_session(service, account="a1")
    before, tables = await shape(owner), await oids(owner)
    for _ in range(2):
        await rebuild(store, keyring, named(()), silent)
    assert await shape(owner) == before
    assert not set(tables.values()) & set((await oids(owner)).values())
    patched = await given.patch_ai_session(service, given.session_of(opened), "after")
    row = await service.views.get("ai_session", opened.folded.stream)
    assert row is not None
    assert (row.folded, row.account_name) == (patched.folded, "Acme")
    assert len((await list_accounts(service.views, AccountsQuery())).items) == 1
    assert await fresh_tables(owner) == []


@pytest.mark.parametrize("name", NAMES)
async def test_only_the_named_view_is_rebuilt(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring, name: str
) -> None:
    await a_few_of_each(service)
    before = await oids(owner)
    rebuilt = await rebuild(store, keyring, named([name]), silent)
    assert set(rebuilt.rows) == set(rebuilt.mended) == {name}
    after = await oids(owner)
    assert {each for each in NAMES if after[each] != before[each]} == {name}
    assert await verify(store, keyring, silent) == []


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        named(["nonsense"])
