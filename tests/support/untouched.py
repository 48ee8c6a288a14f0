"""A digest of what nobody may change: the log, what guards it, and who may do what."""

from collections.abc import Mapping

import asyncpg

_TABLES = """
SELECT c.relname FROM pg_class AS c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S')
   AND c.relname NOT IN ('lease', 'room')
"""
_CATALOGS = {
    "relations": "SELECT relname, relowner, relkind, relacl::text, relhastriggers, relhasrules,"
    " relrowsecurity, reloptions::text FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace",
    "columns": "SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute"
    " WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)",
    "triggers": "SELECT tgrelid, tgname, tgenabled, tgfoid FROM pg_trigger",
    "rules": "SELECT ev_class, rulename, ev_enabled FROM pg_rewrite",
    "functions": "SELECT oid::regprocedure::text, proowner, prosecdef, proconfig::text,"
    " proacl::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "schemas": "SELECT nspname, nspowner, nspacl::text FROM pg_namespace"
    " WHERE nspname NOT LIKE 'pg\\_%temp\\_%'",
    "extensions": "SELECT extname, extowner FROM pg_extension",
    "database": "SELECT datdba, datacl::text FROM pg_database WHERE datname = current_database()",
    "roles": "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,"
    " rolreplication, rolbypassrls FROM pg_roles",
    "members": "SELECT roleid, member, admin_option FROM pg_auth_members",
}


async def picture(owner: asyncpg.Connection) -> Mapping[str, str]:
    """A digest of each table, and of what the catalogs say of it."""
    tables = {row["relname"] for row in await owner.fetch(_TABLES)}
    queries = _CATALOGS | {name: f'SELECT * FROM public."{name}"' for name in tables}
    return {name: await _digest(owner, query) for name, query in queries.items()}


async def _digest(owner: asyncpg.Connection, query: str) -> str:
    found: str = await owner.fetchval(
        f"SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '')"
        f" FROM ({query}) AS r"  # queries of this module
    )
    return found
