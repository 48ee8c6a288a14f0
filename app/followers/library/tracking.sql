-- name: track
-- name of the follower, partition, position; lease and token of its owner, token null: any
-- Returns nothing if the position was reached before, or another one has the lease.
WITH held AS MATERIALIZED (
    SELECT l.token
      FROM lease AS l
     WHERE l.name = %(lease)s
       AND l.token = %(token)s
       FOR SHARE
)
INSERT INTO follower_checkpoint AS f (partition, name, position)
SELECT %(partition)s, %(name)s, %(position)s
 WHERE %(token)s::bigint IS NULL
    OR EXISTS (SELECT FROM held)
    ON CONFLICT (partition, name) DO UPDATE
   SET position = excluded.position
 WHERE f.position < excluded.position
RETURNING position;

-- name: reached
-- name of the follower, partition
SELECT position
  FROM follower_checkpoint
 WHERE partition = %(partition)s
   AND name = %(name)s;

-- name: has_schema
SELECT to_regnamespace(%(schema)s) IS NOT NULL AS has_schema;

-- name: make_schema
CREATE SCHEMA IF NOT EXISTS {schema};
