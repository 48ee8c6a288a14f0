-- name: lazily
-- A crash of the server may undo the last steps, each with the knowledge that it was done.
SET synchronous_commit = off;

-- name: durably
RESET synchronous_commit;

-- name: begin
-- $1 id, perhaps of one that was asked for   $2 views   $3 whether it only compares   $4 release
-- No row: the one that was asked for is to end. (It sees itself that it is to pause.)
INSERT INTO rebuild AS r (id, views, dry_run, state, release, run, run_at)
VALUES ($1, $2, $3, 'running', $4, 1, now())
    ON CONFLICT (id) DO UPDATE
   SET state = 'running', release = excluded.release, run = r.run + 1, run_at = now(),
       run_events = 0, changed_at = now()
 WHERE r.unfinished
   AND r.asked IS DISTINCT FROM 'cancel'
RETURNING run;

-- name: forget
-- One that an operator process is to carry out begins anew, unless it was to end.
UPDATE rebuild
   SET state = CASE WHEN for_operator AND asked IS DISTINCT FROM 'cancel' THEN 'waiting'
                    ELSE 'cancelled' END,
       asked = CASE WHEN for_operator AND asked IS DISTINCT FROM 'cancel' THEN asked END,
       phase = NULL, run_at = NULL, run_events = 0, changed_at = now()
 WHERE unfinished
   AND kind = 'rebuild'
   AND run_at IS NOT NULL;
DELETE FROM rebuild_range;
DELETE FROM rebuild_finding;
DELETE FROM rebuild_doubt;

-- name: sample
-- {percent} of the pages of the log   $1 partition; some of its streams, one for each of its events
SELECT e.originator_id
  FROM stored_events AS e TABLESAMPLE SYSTEM ({percent})
 WHERE e.partition = $1
 ORDER BY e.originator_id;

-- name: add_range
-- $1 rebuild   $2 number   $3 partition   $4 after stream   $5 up to stream   $6 up to position
INSERT INTO rebuild_range (rebuild, number, partition, reached, last, until, events)
VALUES ($1, $2, $3, $4, $5, $6, 0);

-- name: resume
-- $1 views   $2 release   $3 whether it only compares   $4 id; null: any
-- The unfinished rebuild, now this process's. Its fresh tables must all be there.
UPDATE rebuild AS r
   SET run = r.run + 1, dry_run = $3, state = 'running', changed_at = now(), run_at = now(),
       asked = CASE WHEN $4::uuid IS NOT NULL THEN r.asked END,
       run_events = (SELECT coalesce(sum(f.events), 0)
                       FROM rebuild_range AS f
                      WHERE f.rebuild = r.id)
 WHERE r.state IN ('waiting', 'running', 'comparing')
   AND r.kind = 'rebuild'
   AND r.run_at IS NOT NULL
   AND r.asked IS DISTINCT FROM 'cancel'
   AND r.id = coalesce($4, r.id)
   AND (r.dry_run = $3 OR NOT r.for_operator)
   AND r.views @> $1
   AND r.views <@ $1
   AND r.release = $2
   AND NOT EXISTS (SELECT
                     FROM unnest(r.views) AS v(name)
                    WHERE to_regclass(quote_ident(v.name || '_new')) IS NULL)
RETURNING r.id, r.run;

-- name: done
-- $1 rebuild
SELECT partition, max(until)::bigint AS until, sum(events)::bigint AS events
  FROM rebuild_range
 WHERE rebuild = $1
 GROUP BY partition
 ORDER BY partition;

-- name: claim
-- $1 rebuild   $2 run
UPDATE rebuild_range AS r
   SET claimed = $2
  FROM (SELECT c.rebuild, c.number
          FROM rebuild_range AS c
         WHERE c.rebuild = $1
           AND c.reached < c.last
           AND c.claimed IS DISTINCT FROM $2
         ORDER BY c.number
         LIMIT 1
           FOR UPDATE SKIP LOCKED) AS free
 WHERE r.rebuild = free.rebuild
   AND r.number = free.number
RETURNING r.number, r.partition, r.reached, r.last, r.until;

-- name: reach
-- $1 rebuild   $2 run   $3 range   $4 stream   $5 more events
UPDATE rebuild_range AS r
   SET reached = $4, events = r.events + $5
  FROM rebuild AS b
 WHERE b.id = $1
   AND b.run = $2
   AND r.rebuild = b.id
   AND r.number = $3
   AND r.claimed = $2
RETURNING b.asked;

-- name: unclaimed
-- $1 rebuild   $2 run
SELECT EXISTS (SELECT
                 FROM rebuild_range
                WHERE rebuild = $1
                  AND reached < last
                  AND claimed IS DISTINCT FROM $2);

-- name: enter
-- $1 rebuild   $2 run   $3 state   $4 phase
UPDATE rebuild
   SET state = CASE WHEN asked IS NULL THEN $3 ELSE state END, phase = $4, changed_at = now()
 WHERE id = $1
   AND run = $2
RETURNING asked;

-- name: end
-- $1 rebuild   $2 state   $3 outcome   $4 why it failed
-- (One that waits because somebody asked for a pause goes on when somebody asks for that.)
UPDATE rebuild
   SET state = $2, outcome = $3, failure = $4, phase = NULL, changed_at = now(),
       asked = CASE WHEN $2 = 'waiting' THEN asked END
 WHERE id = $1;

-- name: ask
-- $1 pause or cancel; of what was begun, the one that ran last: others do not run
UPDATE rebuild
   SET asked = $1, changed_at = now()
 WHERE id = (SELECT r.id
               FROM rebuild AS r
              WHERE r.unfinished
                AND r.kind IN ('rebuild', 'refill')
                AND r.run_at IS NOT NULL
              ORDER BY r.run_at DESC
              LIMIT 1)
RETURNING id;

-- name: find
-- $1 rebuild   $2 partition   $3 stream   $4 whether it is damaged   $5 what was found
INSERT INTO rebuild_finding (rebuild, partition, stream_id, damaged, what)
VALUES ($1, $2, $3, $4, $5);

-- name: findings
-- $1 rebuild   $2 whether they are damaged; the last one of each stream that is, all others
SELECT f.stream_id, f.what
  FROM rebuild_finding AS f
 WHERE f.rebuild = $1
   AND f.damaged = $2
   AND (NOT f.damaged
        OR f.number = (SELECT max(o.number)
                         FROM rebuild_finding AS o
                        WHERE o.rebuild = f.rebuild
                          AND o.stream_id = f.stream_id
                          AND o.damaged))
 ORDER BY f.number;

-- name: kind_and_state
-- $1 rebuild
SELECT kind, state
  FROM rebuild
 WHERE id = $1;
