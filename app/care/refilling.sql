-- name: begun
-- $1 what is filled, and by which release; whether the schema is there for just that
SELECT obj_description(n.oid, 'pg_namespace') = $1 AS is_same
  FROM pg_namespace AS n
 WHERE n.nspname = '{schema}';

-- name: reached
-- $1 follower. The position of each partition that it has reached there; null if it has not begun.
SELECT string_agg(c.partition || ':' || c.position, ', ' ORDER BY c.partition) AS positions
  FROM {schema}.follower_checkpoint AS c
 WHERE c.name = $1;

-- name: make
CREATE SCHEMA {schema};

-- name: marked
-- $1 what is filled, and by which release. The schema is whole then; the statement.
SELECT format('COMMENT ON SCHEMA {schema} IS %L', $1::text) AS statement;

-- name: look_there
-- In this session, the tables and functions there come before those of the service.
SELECT set_config('search_path', '{schema}, public', false);

-- name: look_there_for_now
-- The same up to the end of the transaction.
SET LOCAL search_path = {schema}, public;

-- name: table
-- {table}: of a follower, or what says how far it is
CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING ALL);

-- name: functions
-- The statements that make the log owner's functions again, there: on the tables there, for the same
-- names. (All of them: one that is called from another one must not write to the tables in use.)
SELECT replace(regexp_replace(pg_get_functiondef(p.oid),
                              '^(CREATE OR REPLACE FUNCTION )public\.', '\1{schema}.'),
               'SET search_path TO ''public'', ''pg_temp''',
               'SET search_path TO ''{schema}'', ''public'', ''pg_temp''') AS statement
  FROM pg_proc AS p
 WHERE p.pronamespace = to_regnamespace('public')
   AND p.prokind = 'f'
   AND p.prorettype <> 'trigger'::regtype
   AND p.proowner = (SELECT c.relowner
                       FROM pg_class AS c
                      WHERE c.oid = to_regclass('public.stored_events'))
   AND NOT EXISTS (SELECT
                     FROM pg_depend AS d
                    WHERE d.classid = 'pg_proc'::regclass
                      AND d.objid = p.oid
                      AND d.deptype = 'e')
 ORDER BY p.proname;

-- name: lock_timeout
-- {wait_ms} is the limit for each lock until the end of the transaction
SET LOCAL lock_timeout = {wait_ms};

-- name: lock
-- $1 follower. The lease, then its place, as followers do: else each could wait for the other.
SELECT FROM public.lease WHERE name = 'follow_' || $1 FOR UPDATE;

-- name: lock_place
-- $1 follower
SELECT public.lock_place_1($1);

-- name: erased_since
-- $1 follower. Whether it has still to take up that somebody's data was erased: it takes the data out of
-- the rows then.
SELECT EXISTS (SELECT 1
                 FROM public.log_partition AS h
                 LEFT JOIN {schema}.follower_checkpoint AS c
                   ON c.partition = h.partition
                  AND c.name = $1
                 JOIN public.stored_events AS e
                   ON e.partition = h.partition
                  AND e.notification_id > coalesce(c.position, 0)
                WHERE e.topic LIKE '%.personal\_data\_erased.%');

-- name: lock_tables
-- {tables}
LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE;

-- name: replace
-- {table}
DROP TABLE public.{table};
ALTER TABLE {schema}.{table} SET SCHEMA public;

-- name: place
-- $1 follower: it goes on from here, and whoever followed notices.
INSERT INTO public.follower_checkpoint AS f (partition, name, position)
SELECT c.partition, c.name, c.position
  FROM {schema}.follower_checkpoint AS c
 WHERE c.name = $1
    ON CONFLICT (partition, name) DO UPDATE
   SET position = excluded.position;

-- name: let_out
-- $1 follower
DELETE FROM public.quarantine WHERE follower = $1;

-- name: keep
-- $1 follower
INSERT INTO public.quarantine SELECT q.* FROM {schema}.quarantine AS q WHERE q.follower = $1;

-- name: take_lease
-- $1 follower
UPDATE public.lease SET token = token + 1, until = now() WHERE name = 'follow_' || $1;
