-- name: begin
-- $1 id   $2 followers   $3 release
INSERT INTO rebuild (id, views, dry_run, state, release, run, kind, run_at)
VALUES ($1, $2, false, 'running', $3, 1, 'refill', now())
RETURNING id, ARRAY[]::text[] AS done;

-- name: resume
-- $1 followers   $2 release   $3 id; null: any that was begun
-- The unfinished refill of just these, now this process's. (One that was asked for sees itself that it
-- is to pause.)
UPDATE rebuild AS r
   SET run = r.run + 1, state = 'running', release = $2, run_at = now(), changed_at = now(),
       asked = CASE WHEN $3::uuid IS NOT NULL THEN r.asked END
 WHERE r.unfinished
   AND r.kind = 'refill'
   AND r.asked IS DISTINCT FROM 'cancel'
   AND (r.id = $3
        OR $3 IS NULL
           AND r.run_at IS NOT NULL
           AND r.release = $2
           AND r.views @> $1
           AND r.views <@ $1)
RETURNING r.id, ARRAY(SELECT jsonb_object_keys(r.outcome -> 'events')) AS done;

-- name: forget_others
-- $1 id of the one that begins. There is one schema: what others had made goes with it. One that an
-- operator process is to carry out begins anew, unless it was to end.
WITH gone AS (
    DELETE FROM rebuild_range AS g
     USING rebuild AS o
     WHERE o.id = g.rebuild
       AND o.kind = 'refill'
       AND o.id <> $1
)
UPDATE rebuild AS r
   SET state = CASE WHEN r.for_operator AND r.asked IS DISTINCT FROM 'cancel' THEN 'waiting'
                    ELSE 'cancelled' END,
       asked = CASE WHEN r.for_operator AND r.asked IS DISTINCT FROM 'cancel' THEN r.asked END,
       phase = NULL, run_at = NULL, changed_at = now()
 WHERE r.unfinished
   AND r.kind = 'refill'
   AND r.run_at IS NOT NULL
   AND r.id <> $1;

-- name: begin_part
-- $1 id   $2 events that the next follower has taken up already; its rate is that of the further ones
UPDATE rebuild SET run_at = now(), run_events = $2 WHERE id = $1;

-- name: reach
-- $1 id   of each partition: $2 number   $3 head   $4 events taken up
-- (These are no ranges for the workers of a rebuild: nothing of them is left.)
INSERT INTO rebuild_range AS g (rebuild, number, partition, reached, last, until, events)
SELECT $1, p.partition, p.partition, n.uuid, n.uuid, p.until, p.events
  FROM unnest($2::integer[], $3::bigint[], $4::bigint[]) AS p(partition, until, events)
 CROSS JOIN (SELECT '00000000-0000-0000-0000-000000000000'::uuid) AS n(uuid)
    ON CONFLICT (rebuild, number) DO UPDATE
   SET until = excluded.until, events = excluded.events;

-- name: drop_schema
DROP SCHEMA IF EXISTS {schema} CASCADE;
