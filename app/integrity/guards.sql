-- name: triggers
-- $1 tables; guards of the log that are missing, and triggers that do not fire
SELECT w.table_name, w.name, false AS is_there
  FROM (VALUES ('stored_events', 'append_only', NULL),
               ('idempotency_key', 'append_only', NULL),
               ('log_partition', 'head_stays', NULL),
               ('log_partition', 'one_head', 'refuse_second_head'),
               ('stored_events', 'one_kind', 'refuse_other_kind'))
       AS w(table_name, name, called)
 WHERE (w.called IS NULL OR to_regproc('public.' || w.called) IS NOT NULL)
   AND NOT EXISTS (SELECT
                     FROM pg_trigger AS t
                    WHERE t.tgrelid = to_regclass('public.' || w.table_name)
                      AND t.tgname = w.name)
 UNION ALL
SELECT c.relname, t.tgname, true
  FROM pg_trigger AS t
  JOIN pg_class AS c
    ON c.oid = t.tgrelid
 WHERE c.relname = ANY ($1::text[])
   AND c.relnamespace = to_regnamespace('public')
   AND t.tgenabled NOT IN ('O', 'A')
 ORDER BY 1, 2;

-- name: keys
-- $1 tables; tables without a required key, and indexes that are not valid
SELECT w.table_name, NULL AS index_name
  FROM unnest(ARRAY['stored_events', 'stream_key', 'idempotency_key', 'log_setting',
                    'schema_migration', 'credential', 'token', 'login_session', 'refusal', 'lease',
                    'follower_checkpoint', 'event_index', 'history_reach'])
       AS w(table_name)
 WHERE NOT EXISTS (SELECT
                     FROM pg_index AS i
                    WHERE i.indrelid = to_regclass('public.' || w.table_name)
                      AND i.indisprimary
                      AND i.indisvalid)
 UNION ALL
SELECT 'stored_events', NULL
 WHERE NOT EXISTS (SELECT
                     FROM pg_constraint AS k
                    WHERE k.conrelid = to_regclass('public.stored_events')
                      AND pg_get_constraintdef(k.oid) = 'UNIQUE (partition, notification_id)')
 UNION ALL
SELECT c.relname, i.indexrelid::regclass::text
  FROM pg_index AS i
  JOIN pg_class AS c
    ON c.oid = i.indrelid
 WHERE c.relname = ANY ($1::text[])
   AND c.relnamespace = to_regnamespace('public')
   AND NOT i.indisvalid
 ORDER BY 1, 2;

-- name: owners
-- $1 tables; those that do not belong to the log's owner, and functions that run with another
-- owner's rights
WITH log AS (
    SELECT c.relowner AS owner
      FROM pg_class AS c
     WHERE c.oid = to_regclass('public.stored_events')
)
SELECT c.relname AS name, pg_get_userbyid(c.relowner)::text AS owner,
       pg_get_userbyid(log.owner)::text AS log_owner
  FROM log
  JOIN pg_class AS c
    ON c.relowner <> log.owner
 WHERE c.relname = ANY ($1::text[])
   AND c.relnamespace = to_regnamespace('public')
 UNION ALL
SELECT p.proname, pg_get_userbyid(p.proowner)::text, pg_get_userbyid(log.owner)::text
  FROM log
  JOIN pg_proc AS p
    ON p.proowner <> log.owner
 WHERE p.prosecdef
   AND p.pronamespace = to_regnamespace('public')
   AND NOT EXISTS (SELECT
                     FROM pg_depend AS d
                    WHERE d.classid = 'pg_proc'::regclass
                      AND d.objid = p.oid
                      AND d.deptype = 'e')
 ORDER BY 1;

-- name: collations
-- Collations of the database's texts that have changed since its indexes were made.
SELECT format('DATABASE %I', d.datname) AS name, d.datcollversion AS recorded,
       pg_database_collation_actual_version(d.oid) AS actual,
       format('%I', d.datname) AS database
  FROM pg_database AS d
 WHERE d.datname = current_database()
   AND d.datcollversion <> pg_database_collation_actual_version(d.oid)
 UNION ALL
SELECT format('COLLATION %I.%I', c.collnamespace::regnamespace::text, c.collname), c.collversion,
       pg_collation_actual_version(c.oid), format('%I', current_database())
  FROM pg_collation AS c
 WHERE c.collversion <> pg_collation_actual_version(c.oid)
   AND c.oid IN (SELECT a.attcollation
                   FROM pg_attribute AS a
                   JOIN pg_class AS t
                     ON t.oid = a.attrelid
                  WHERE t.relnamespace = to_regnamespace('public'))
 ORDER BY 1;

-- name: clock
SELECT clock_timestamp() AS at;
