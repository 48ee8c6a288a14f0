-- name: history
-- Of a numbered file when it ran, of a script of functions (without a number) when it ran last.
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text COLLATE "C" PRIMARY KEY,
    number     integer          UNIQUE,
    hash       text             NOT NULL,
    release    text             NOT NULL,
    applied_at timestamptz      NOT NULL DEFAULT now()
);

-- name: state
-- Whether a release has migrated the database, and whether it has tables at all, in the schema
-- that they would be made in; those that extensions bring along count as none.
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

-- name: fitness
-- What every use of the database rests on, and the login's settings.
SELECT current_setting('server_encoding') AS encoding,
       to_regnamespace('public') IS NOT NULL AS has_public,
       current_schema()::text AS schema,
       current_setting('search_path') AS search_path,
       current_setting('session_replication_role') AS replication_role;

-- name: in_recovery
SELECT pg_is_in_recovery();

-- name: lock
-- One runner at a time, and only for as long as its transaction.
SELECT pg_advisory_xact_lock(7326901184);

-- name: applied
SELECT number, name, hash
  FROM schema_migration
 WHERE number IS NOT NULL
 ORDER BY number;

-- name: scripts
SELECT name, hash, release
  FROM schema_migration
 WHERE number IS NULL
 ORDER BY name;

-- name: form
-- Where tables are distributed, functions do without what means something on one node only; the
-- setting `functions` takes one form in spite of that.
SELECT coalesce((SELECT s.value FROM log_setting AS s WHERE s.name = 'functions'),
                CASE WHEN EXISTS (SELECT FROM pg_extension AS x WHERE x.extname = 'citus')
                     THEN 'distributed'
                     ELSE 'plain'
                END);

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

-- name: make_heads
-- $1 how many; of a log that has none yet
INSERT INTO log_partition (partition, position, recorded_at)
SELECT n.partition, 0, '-infinity'
  FROM generate_series(0, $1::integer - 1) AS n(partition)
 WHERE NOT EXISTS (SELECT FROM log_partition);

-- name: partitions
SELECT count(*)::integer FROM log_partition;

-- name: unsafe
SELECT name, setting
  FROM pg_settings
 WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
   AND setting = 'off'
 ORDER BY name;

-- name: check_value
-- $1 what recognises the master key; kept only when none is yet
INSERT INTO log_setting (name, value) VALUES ('master_key_check', $1)
    ON CONFLICT (name) DO NOTHING;
