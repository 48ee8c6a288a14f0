-- name: interrupted
-- $1 rebuild   The process that worked on it is told to end; another one goes on.
UPDATE rebuild
   SET state = 'waiting', phase = NULL, changed_at = now()
 WHERE id = $1
   AND state IN ('running', 'comparing');

-- name: start
-- $1 what is no rebuild
UPDATE rebuild
   SET state = 'running', run = run + 1, run_at = now(), changed_at = now()
 WHERE id = $1
   AND unfinished
   AND asked IS NULL
RETURNING run;

-- name: progress
-- $1 what is no rebuild   $2 how far it is
UPDATE rebuild SET phase = $2, changed_at = now() WHERE id = $1 RETURNING asked;

-- name: part_done
-- $1 what is no rebuild   $2 its part that is done   $3 events that it shows; null
UPDATE rebuild
   SET outcome = jsonb_set(coalesce(outcome, '{"events": {}}'), ARRAY['events', $2::text],
                           coalesce(to_jsonb($3::bigint), 'null'))
 WHERE id = $1;

-- name: finish
-- $1 what is no rebuild   $2 state   $3 why it failed
UPDATE rebuild
   SET state = $2, failure = $3, phase = NULL, asked = NULL, changed_at = now()
 WHERE id = $1;

-- name: next
-- $1 views that this release knows, and its own followers; others' have their places
-- The next one for an operator process: those that were broken off come first, and those that are
-- to end although nobody works on them. Others that are paused wait.
SELECT id, kind, views, stream, dry_run, coalesce(asked, '') = 'cancel' AS is_to_end,
       ARRAY(SELECT jsonb_object_keys(outcome -> 'events')) AS done
  FROM rebuild
 WHERE unfinished
   AND views <@ ($1::text[] || ARRAY(SELECT f.name FROM follower_checkpoint AS f))
   AND (for_operator AND asked IS NULL OR asked = 'cancel')
 ORDER BY asked = 'cancel' DESC NULLS LAST, run_at IS NULL, begun_at, id
 LIMIT 1;
