-- name: history
-- The run of each numbered file, and the last run of each script of functions (without a number).
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text COLLATE "C" PRIMARY KEY,
    number     integer          UNIQUE,
    hash       text             NOT NULL,
    release    text             NOT NULL,
    applied_at timestamptz      NOT NULL DEFAULT now()
);

-- name: state
-- Whether a release has migrated the database, and whether the schema for its tables has any
-- tables; those of extensions do not count.
SELECT to_regclass('schema_migration') IS NOT NULL AS has_history,
       has_table_privilege(to_regclass('schema_migration'), 'SELECT') AS may_read,
       (SELECT pg_get_userbyid(c.relowner)::text
          FROM pg_class AS c
         WHERE c.oid = to_regclass('schema_migration')) AS owner,
       current_user::text AS login,
       has_schema_privilege(current_schema(), 'CREATE') AS may_make,
       EXISTS (
           SELECT
             FROM pg_class AS c
            WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema()))
              AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
              AND NOT EXISTS (
                  SELECT
                    FROM pg_depend AS d
                   WHERE d.classid = 'pg_class'::regclass
                     AND d.objid = c.oid
                     AND d.deptype = 'e'
              )
       ) AS has_tables;

-- name: is_new
SELECT to_regclass('log_partition') IS NULL;

-- name: fitness
-- The database's properties that every use relies on, and the login's settings.
SELECT current_setting('server_encoding') AS encoding,
       to_regnamespace('public') IS NOT NULL AS has_public,
       current_schema()::text AS schema,
       current_setting('search_path') AS search_path,
       current_setting('session_replication_role') AS replication_role;

-- name: in_recovery
SELECT pg_is_in_recovery();

-- name: leave_bodies
-- A function may name a table that this release lacks: that of a former version of a view.
SET LOCAL check_function_bodies = off;

-- name: lock
-- One runner at a time, and only for as long as its transaction.
SELECT pg_advisory_xact_lock(7326901184);

-- name: applied
-- (States that were never released had no column of that name: they are refused, not failed.)
SELECT m.number, m.name, m.hash, to_jsonb(m) ->> 'release' AS release
  FROM schema_migration AS m
 WHERE number IS NOT NULL
 ORDER BY number;

-- name: scripts
SELECT name, hash, release
  FROM schema_migration
 WHERE number IS NULL
 ORDER BY name;

-- name: form
-- If tables are distributed, functions avoid features that work on one node only. The setting
-- `functions` overrides this choice.
SELECT coalesce((SELECT s.value FROM log_setting AS s WHERE s.name = 'functions'),
                (SELECT s.value FROM log_setting AS s WHERE s.name = 'tables'),
                'plain');

-- name: record
-- $1 number   $2 name   $3 hash   $4 release
INSERT INTO schema_migration (number, name, hash, release) VALUES ($1, $2, $3, $4);

-- name: record_script
-- $1 name   $2 hash   $3 release
INSERT INTO schema_migration (name, hash, release) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE
   SET hash = excluded.hash,
       release = excluded.release,
       applied_at = now();

-- name: is_empty
SELECT NOT EXISTS (SELECT 1 FROM log_partition WHERE position > 0);

-- name: unsafe
SELECT name, setting
  FROM pg_settings
 WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
   AND setting = 'off'
 ORDER BY name;

-- name: keep_keys
-- $1 check value of the master key   $2 root key, sealed under it; kept only if the log has no check
-- value yet. (Whoever comes second waits for the first one's row, and then keeps nothing.)
WITH made AS (
    INSERT INTO log_setting (name, value) VALUES ('master_key_check', $1)
        ON CONFLICT (name) DO NOTHING
    RETURNING name
)
INSERT INTO log_setting (name, value)
SELECT 'root_key', $2
  FROM made;
