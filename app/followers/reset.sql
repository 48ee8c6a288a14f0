-- name: known
SELECT DISTINCT name
  FROM follower_checkpoint
 ORDER BY name;

-- name: tables
-- $1 schema
SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class AS c
  JOIN pg_namespace AS n
    ON n.oid = c.relnamespace
 WHERE n.nspname = $1
   AND c.relkind IN ('r', 'p')
 ORDER BY name;

-- name: begin_anew
-- $1 follower
UPDATE follower_checkpoint
   SET position = 0
 WHERE name = $1;

-- name: let_out
-- $1 follower
DELETE FROM quarantine
 WHERE follower = $1;

-- name: empty
-- {tables}
TRUNCATE {tables} RESTART IDENTITY;

-- name: forget
-- $1 follower
WITH leases AS (
    DELETE FROM lease
     WHERE name = 'follow_' || $1::text
)
DELETE FROM follower_checkpoint
 WHERE name = $1;

-- name: drop
-- {schema}
DROP SCHEMA IF EXISTS {schema} CASCADE;
