-- name: begin
-- Takes the follower's place for the rest of the transaction: no other one gets the lease meanwhile.
-- lease, token; name of the follower, partition, position up to which it is done; position up to which
-- it then is, and the id of the event there, which another log does not have
SELECT (SELECT count(*)
          FROM (SELECT
                  FROM lease AS l
                 WHERE l.name = %(lease)s
                   AND l.token = %(token)s
                   FOR SHARE) AS held) = 1
   AND (SELECT count(*)
          FROM (SELECT
                  FROM follower_checkpoint AS f
                 WHERE f.partition = %(partition)s
                   AND f.name = %(name)s
                   AND f.position = %(position)s
                   FOR UPDATE) AS reached) = 1
   AND EXISTS (SELECT
                 FROM stored_events AS e
                WHERE e.partition = %(partition)s
                  AND e.notification_id = %(upto)s
                  AND e.event_id = %(last)s) AS may;

-- name: quarantine
SELECT quarantine_1(%(partition)s, %(name)s, %(streams)s::uuid[], %(versions)s::bigint[],
                    %(positions)s::bigint[], %(errors)s::text[]);

-- name: redrive
SELECT redrive_1(%(partition)s, %(name)s, %(token)s, %(reached)s, %(stream)s, %(position)s,
                 %(then)s::bigint, %(version)s::bigint, %(error)s::text) AS done;

-- name: finish
-- name of the follower, partition, position
UPDATE follower_checkpoint
   SET position = %(position)s
 WHERE partition = %(partition)s
   AND name = %(name)s;

-- name: register
-- name of the follower
INSERT INTO follower_checkpoint (partition, name, position)
SELECT h.partition, %(name)s, 0
  FROM log_partition AS h
    ON CONFLICT DO NOTHING;
