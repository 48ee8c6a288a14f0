"""Statements by which somebody with the service's login may try to get beyond its rights.

Each is refused with the SQLSTATE that stands beside it. Before the last statement of a way, the
others only prepare it: they are allowed, and change nothing by themselves. `{owner}` is the login
that owns the log, `{backend}` one of its backends.
"""

from collections.abc import Iterator, Mapping, Sequence

DENIED, WRONG = "42501", "22023"
Way = tuple[str, Sequence[str]]
"""The SQLSTATE that ends it, and its statements."""

GUARDED = (
    "stored_events", "idempotency_key", "log_partition", "stream_key", "log_setting",
    "schema_migration", "ai_session_info", "chat_session_entity", "account_info",
    "stored_events_0", "recorded_event", "number_drawn", "room", "principal", "credential",
    "follower_checkpoint", "event_index", "quarantine", "activity", "activity_actor",
    "history_reach", "person_term", "term_to_forget", "ai_session_info_history",
    "chat_session_entity_history", "account_info_history", "principal_history", "audit_trail",
    "audit_trail_history", "legal_hold", "legal_hold_history", "rebuild", "rebuild_range",
    "rebuild_ask",    "view_version", "view_behind", "view_kept",
)  # fmt: skip
"""Tables and views that change by the functions of the database alone."""

ROLES: Mapping[str, Sequence[str]] = {
    "the owner's role": ["SET ROLE {owner}"],
    "the role of the session": ["SELECT set_config('role', 'none', false)", "{change}"],
    "the owner's role as a setting": ["SELECT set_config('role', '{owner}', false)"],
    "no role": ["RESET ROLE", "{change}"],
    "no setting": ["RESET ALL", "DISCARD ALL", "{change}"],
    "the owner's session": ["SET SESSION AUTHORIZATION {owner}"],
    "the session's own": ["RESET SESSION AUTHORIZATION", "{change}"],
    "a session as a setting": ["SELECT set_config('session_authorization', '{owner}', false)"],
    "more for the role": ["ALTER ROLE sessionary_service SUPERUSER"],
    "bypassing policies": ["ALTER ROLE sessionary_service BYPASSRLS"],
    "replication": ["ALTER ROLE sessionary_service REPLICATION"],
    "a password of the owner": ["ALTER ROLE {owner} PASSWORD 'mallory'"],
    "a setting of the owner": ["ALTER ROLE {owner} SET session_replication_role = replica"],
    "a setting of all": ["ALTER ROLE ALL SET session_replication_role = replica"],
    "another role": ["CREATE ROLE mallory SUPERUSER LOGIN"],
    "membership in the owner": ["GRANT {owner} TO sessionary_service"],
    "membership in writers": ["GRANT pg_write_all_data TO sessionary_service"],
    "membership in programs": ["GRANT pg_execute_server_program TO sessionary_service"],
    "a grant to itself": ["GRANT ALL ON stored_events TO sessionary_service", "{change}"],
    "a grant to all": ["GRANT ALL ON stored_events TO PUBLIC", "{change}"],
    "a default for grants": [
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT ALL ON TABLES TO PUBLIC"
    ],
    "the owner of the log": ["ALTER TABLE stored_events OWNER TO sessionary_service"],
    "the owner of the append": ["ALTER FUNCTION append_1 OWNER TO sessionary_service"],
    "all that the owner has": ["REASSIGN OWNED BY {owner} TO sessionary_service"],
    "nothing that the owner has": ["DROP OWNED BY {owner}"],
    "a role inside a block": ["DO $$ BEGIN EXECUTE 'SET ROLE {owner}'; END $$"],
    "a role inside a function": [
        "CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE plpgsql SET role = '{owner}' AS"
        " 'BEGIN END'",
    ],
}

GUARDS: Mapping[str, Sequence[str]] = {
    "no triggers": ["ALTER TABLE stored_events DISABLE TRIGGER ALL"],
    "one trigger less": ["DROP TRIGGER append_only ON stored_events"],
    "a trigger more": [
        "CREATE TRIGGER t BEFORE INSERT ON stored_events FOR EACH ROW EXECUTE FUNCTION"
        " suppress_redundant_updates_trigger()"
    ],
    "a rule": ["CREATE RULE r AS ON INSERT TO stored_events DO INSTEAD NOTHING"],
    "a policy": ["CREATE POLICY p ON stored_events USING (false)"],
    "an empty guard": [
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW; END'"
    ],
    "no guard": ["DROP FUNCTION refuse_change CASCADE"],
    "the append as the caller": ["ALTER FUNCTION append_1 SECURITY INVOKER"],
    "the append on another path": ["ALTER FUNCTION append_1 SET search_path = pg_temp"],
    "a replica": ["SET session_replication_role = replica"],
    "a replica, as a setting": ["SELECT set_config('session_replication_role', 'replica', false)"],
    "the mark of the append": [
        "SET sessionary.appends = 'on'",
        "INSERT INTO stored_events DEFAULT VALUES",
    ],
    "a partition more": ["INSERT INTO log_partition VALUES (1, 0, now())"],
    "a lock of the head": ["SELECT FROM log_partition FOR UPDATE"],
    "a share of the head": ["SELECT FROM log_partition FOR KEY SHARE"],
    "a lock of the log": ["BEGIN", "LOCK TABLE stored_events IN EXCLUSIVE MODE"],
    "another column": ["ALTER TABLE stored_events ADD COLUMN x int"],
    "no key": ["ALTER TABLE stored_events DROP CONSTRAINT stored_events_pkey"],
    "an index that calls": ["CREATE INDEX ON stored_events (lower(topic))"],
    "statistics": ["CREATE STATISTICS s ON topic, actor FROM stored_events"],
    "rows in another order": ["CLUSTER stored_events USING stored_events_pkey"],
    "indexes again": ["REINDEX TABLE stored_events"],
    "a heir of the log": ["CREATE TEMP TABLE t () INHERITS (stored_events)"],
    "a reference that locks": [
        "CREATE TEMP TABLE t (n int REFERENCES schema_migration (number))",
    ],
    "numbers set back": ["SELECT setval('chat_session_number', 1)"],
    "numbers from the start": ["ALTER SEQUENCE chat_session_number RESTART"],
    "numbers moved by the inner function": ["SELECT move_sequence_1('chat_session_number', 7)"],
    "the inner function that empties": ["SELECT empty_room_1()"],
    "the inner function of names": ["SELECT account_names_1(ARRAY['a'])"],
    "the inner function of kinds": ["SELECT refuse_other_kinds_1(0, '{{}}', '{{}}')"],
    "a comment": ["COMMENT ON TABLE stored_events IS 'mallory was here'"],
    "another name": ["ALTER TABLE stored_events RENAME TO old_events"],
    "another schema": ["ALTER TABLE stored_events SET SCHEMA pg_temp"],
    "less durable": ["ALTER TABLE stored_events SET UNLOGGED"],
}

CHANGES = (
    "INSERT INTO {} DEFAULT VALUES",
    "INSERT INTO {} SELECT * FROM {}",
    "UPDATE {} SET {first} = {first}",
    "UPDATE {} SET {first} = NULL WHERE false",
    "DELETE FROM {}",
    "DELETE FROM {} WHERE false",
    "TRUNCATE {}",
    "COPY {} FROM STDIN",
    "DROP TABLE {}",
    "WITH gone AS (DELETE FROM {} RETURNING *) SELECT count(*) FROM gone",
    "MERGE INTO {} USING (SELECT 1) AS n ON true WHEN MATCHED THEN DELETE",
    "EXPLAIN ANALYZE DELETE FROM {}",
    "CREATE TABLE pg_temp.c AS DELETE FROM {} RETURNING *",
)
"""For each of GUARDED; those that its kind does not know are left out."""

SHADOWS: Mapping[str, Sequence[str]] = {
    "a table in public": ["CREATE TABLE public.t ()"],
    "a function in public": [
        "CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'"
    ],
    "an operator in public": [
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)"
    ],
    "a type in public": ["CREATE TYPE public.t AS (n int)"],
    "a domain in public": ["CREATE DOMAIN public.d AS text"],
    "a view in public": ["CREATE VIEW public.v AS SELECT 1"],
    "a schema": ["CREATE SCHEMA mallory"],
    "a schema of the owner": ["CREATE SCHEMA mallory AUTHORIZATION {owner}"],
    "a cast": ["CREATE CAST (text AS integer) WITH INOUT AS IMPLICIT"],
    "a function of the catalog": [
        "CREATE FUNCTION pg_catalog.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    ],
    "a view that updates": [
        "CREATE TEMP VIEW v AS SELECT * FROM log_partition",
        "UPDATE v SET position = 7",
    ],
    "a cursor": [
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT * FROM log_partition",
        "FETCH c",
        "UPDATE log_partition SET position = 7 WHERE CURRENT OF c",
    ],
    "a prepared statement": ["PREPARE p AS UPDATE log_partition SET position = 7", "EXECUTE p"],
    "a statement prepared under another role": [
        "PREPARE p AS DELETE FROM stored_events",
        "RESET ROLE",
        "EXECUTE p",
    ],
    "a function of its own rights": [
        "CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql SECURITY DEFINER AS"
        " 'UPDATE public.log_partition SET position = 7'",
        "SELECT pg_temp.f()",
    ],
}

SERVER: Mapping[str, Sequence[str]] = {
    "a program's output": ["COPY (SELECT 1) TO PROGRAM 'id'"],
    "a program's input": ["CREATE TEMP TABLE t (x text)", "COPY t FROM PROGRAM 'id'"],
    "a file written": ["COPY (SELECT 1) TO '/tmp/mallory'"],
    "a file read": ["CREATE TEMP TABLE t (x text)", "COPY t FROM '/etc/passwd'"],
    "a file as text": ["SELECT pg_read_file('postgresql.conf')"],
    "a file as bytes": ["SELECT pg_read_binary_file('PG_VERSION')"],
    "a folder": ["SELECT pg_ls_dir('.')"],
    "a file's size": ["SELECT pg_stat_file('PG_VERSION')"],
    "the folder of the write-ahead log": ["SELECT pg_ls_waldir()"],
    "a large object from a file": ["SELECT lo_import('/etc/passwd')"],
    "a large object to a file": ["SELECT lo_export(1, '/tmp/mallory')"],
    "an extension": ["CREATE EXTENSION plpgsql SCHEMA public VERSION '1.0' CASCADE"],
    "a language": ["CREATE LANGUAGE mallory HANDLER plpgsql_call_handler"],
    "a library": ["CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE c AS '/tmp/x', 'f'"],
    "an inner function": [
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'"
    ],
    "loading a library": ["LOAD '/tmp/mallory'"],
    "a foreign server": ["CREATE FOREIGN DATA WRAPPER mallory"],
    "an event trigger": [
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION refuse_change()"
    ],
    "a publication": ["CREATE PUBLICATION p"],
    "a subscription": [
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)"
    ],
    "a replication slot": ["SELECT pg_create_physical_replication_slot('mallory')"],
    "a logical slot": ["SELECT pg_create_logical_replication_slot('mallory', 'pgoutput')"],
    "the server's settings": ["ALTER SYSTEM SET fsync = off"],
    "its settings read again": ["SELECT pg_reload_conf()"],
    "no statements in its log": ["SET log_statement = 'none'"],
    "a library of the session": ["SET session_preload_libraries = 'mallory'"],
    "the rules of logins": ["SELECT * FROM pg_hba_file_rules"],
    "hashes of logins": ["SELECT * FROM pg_authid"],
    "hashes of logins, by the view": ["SELECT * FROM pg_shadow"],
    "the mappings of users": ["SELECT umoptions FROM pg_user_mapping"],
    "statistics of others' values": ["SELECT * FROM pg_statistic"],
    "the end of an owner's backend": ["SELECT pg_terminate_backend({backend})"],
    "the end of an owner's statement": ["SELECT pg_cancel_backend({backend})"],
    "another segment of the log": ["SELECT pg_switch_wal()"],
    "a restore point": ["SELECT pg_create_restore_point('mallory')"],
    "a checkpoint": ["CHECKPOINT"],
    "a promotion": ["SELECT pg_promote()"],
    "a backup": ["SELECT pg_backup_start('mallory')"],
    "another database": ["CREATE DATABASE mallory"],
    "a tablespace": ["CREATE TABLESPACE mallory LOCATION '/tmp'"],
    "the database's owner": ["ALTER DATABASE {database} OWNER TO sessionary_service"],
    "the database's settings": ["ALTER DATABASE {database} SET session_replication_role = replica"],
    "no database": ["DROP DATABASE {database} WITH (FORCE)"],
    "the inside of pages": [
        "SELECT pg_relation_filepath('stored_events'), pg_read_file('base/1/1259')"
    ],
}

CALLERS: Mapping[str, Sequence[str]] = {
    "a forged token": [
        "INSERT INTO token (hash, id, principal, label, issued_by, issued_at)"
        " VALUES (sha256('mallory'), gen_random_uuid(), 'kim', '', 'kim', now())"
    ],
    "a forged sign-in": [
        "INSERT INTO login_session (hash, id, principal, permanent, idle, expires_at)"
        " VALUES (sha256('mallory'), gen_random_uuid(), 'kim', true, '1 year', 'infinity')"
    ],
    "a forged credential": [
        "INSERT INTO credential (principal, partition, stream_id, generation)"
        " VALUES ('mallory', 0, gen_random_uuid(), 1)"
    ],
    "all hashes of passwords": ["SELECT password_hash FROM credential"],
    "all credentials": ["SELECT count(*) FROM credential"],
    "all hashes of tokens": ["SELECT hash FROM token"],
    "all of the tokens": ["TABLE token"],
    "whole rows of tokens": ["SELECT t FROM token AS t"],
    "a hash of tokens, by its order": ["SELECT id FROM token ORDER BY hash LIMIT 1"],
    "a search for hashes": ["SELECT id FROM token WHERE hash > '\\x80'"],
    "a copy of the hashes": ["COPY token (hash) TO STDOUT"],
    "all hashes of sign-ins": ["SELECT hash FROM login_session"],
    "the end of all sign-ins": ["DELETE FROM login_session"],
    "the end of all tokens": ["DELETE FROM token"],
    "another password": ["UPDATE credential SET password_hash = 'x'"],
    "another role of a caller": ["UPDATE principal SET doc = '{{}}'"],
    "another caller's token": ["UPDATE token SET principal = 'kim'"],
    "a token without an end": ["UPDATE token SET expires_at = NULL"],
    "a sign-in without an end": ["UPDATE login_session SET expires_at = 'infinity'"],
    "no callers": ["TRUNCATE credential CASCADE"],
    "the inner function that ends all": ["SELECT end_all_1('kim')"],
    "the inner function that keeps a secret": [
        "SELECT keep_credential_1(0, gen_random_uuid(), 'kim', 'principal.token_issued.v1',"
        " '{{}}', NULL, NULL, sha256('mallory'), NULL, 1)"
    ],
}

OTHER_STATES = {
    "an extension": "42710",  # it is there
    "a reference that locks": "42P16",  # from a table of the session
}
"""SQLSTATEs other than DENIED."""

HARMLESS: Mapping[str, Sequence[str]] = {
    "notifications": ["LISTEN mallory", "NOTIFY mallory, 'x'", "SELECT pg_notify('mallory', 'y')"],
    "advisory locks": ["SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock_all()"],
    "tables of its own session": [
        "CREATE TEMP TABLE stored_events (x int)",
        "DROP TABLE pg_temp.stored_events",
    ],
    "a block": ["DO $$ BEGIN PERFORM count(*) FROM public.stored_events; END $$"],
    "names that are no role": ["SELECT set_config('role', 'none', true)", "SELECT 1"],
    "a snapshot": ["SELECT pg_export_snapshot()"],
}
"""What PostgreSQL grants to everybody; it changes nothing that lasts."""


def named() -> Iterator[tuple[str, Way]]:
    """All ways that do not depend on a table."""
    for ways in (ROLES, GUARDS, SHADOWS, SERVER, CALLERS):
        for name, statements in ways.items():
            yield name, (OTHER_STATES.get(name, DENIED), statements)
