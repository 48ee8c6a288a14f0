"""The log's guards in the database, which a restore or a manual change may have lost."""

from app.database import rights
from app.database.sql import blocks
from app.maintenance.store import Connection
from app.settings import SERVICE_ROLE
from projections import catalog

SQL = blocks(__file__)
_TABLES = (
    "log_partition", "stored_events", "stream_key", "idempotency_key", "log_setting",
    "schema_migration", "credential", "token", "login_session", "refusal", "lease",
    "follower_checkpoint", "event_index", "rebuild", "rebuild_range", "quarantine", "activity",
    "activity_actor", "history_reach", "person_term", "term_to_forget", "tree", "tree_tile",
    "log_checkpoint", "signing_key", "receipt",
)  # fmt: skip


async def missing(store: Connection) -> list[str]:
    """Differences from the migrations, in sentences: wrong rights, and the findings of `lost`."""
    return await rights_amiss(store) + await lost(store)


async def lost(store: Connection) -> list[str]:
    """The triggers, keys and owners that differ from the migrations, in sentences."""
    return await _triggers(store) + await _keys(store) + await _owners(store)


async def rights_amiss(store: Connection) -> list[str]:
    """The rights that the service's role lacks, and those that it or others have in excess."""
    mend = "`sessionary migrate` puts it right"
    found = [f"The rights are not right, {what}: {mend}" for what in await rights.amiss(store.raw)]
    _, too_much = await rights.beyond_service(store.raw, SERVICE_ROLE)
    if too_much:
        found.append(
            f"The role {SERVICE_ROLE} may do more than read and append: it {', it '.join(too_much)}"
        )
    return found


async def changed_collations(store: Connection) -> list[str]:
    """The collations that changed under the database, each with its remedy."""
    return [
        f"The operating system sorts texts in another way than when the indexes were made "
        f"({row['name']}: version {row['actual']}, not {row['recorded']}). No key and no list "
        "depends on it, but what others made in the database may: run "
        f"REINDEX DATABASE {row['database']}, then ALTER {row['name']} REFRESH "
        f"{'COLLATION ' if row['name'].startswith('DATABASE') else ''}VERSION"
        for row in await store.ask(SQL["collations"])
    ]


def tables() -> list[str]:
    """Those of the service."""
    return [*_TABLES, *catalog.tables()]


async def _triggers(store: Connection) -> list[str]:
    return [
        f"The trigger {row['name']} of {row['table_name']} is switched off: as its owner, switch "
        f'it on with ENABLE TRIGGER "{row["name"]}"'
        if row["is_there"]
        else f"{row['table_name']} has no trigger {row['name']}, which guards the log: "
        "restore it from a copy"
        for row in await store.ask(SQL["triggers"], tables())
    ]


async def _keys(store: Connection) -> list[str]:
    return [
        f"{row['table_name']} lacks a key that keeps its rows apart: restore it from a copy"
        if row["index_name"] is None
        else f"The index {row['index_name']} of {row['table_name']} is not valid: "
        f"REINDEX INDEX {row['index_name']}"
        for row in await store.ask(SQL["keys"], tables())
    ]


async def _owners(store: Connection) -> list[str]:
    return [
        f"{row['name']} belongs to {row['owner']}, but the log to {row['log_owner']}: "
        f"give it to {row['log_owner']} (ALTER … OWNER TO)"
        for row in await store.ask(SQL["owners"], tables())
    ]
