-- name: waiting
-- $1 seconds
SELECT * FROM waiting_1($1);

-- name: next_event
-- $1 partition   $2 position
SELECT topic, originator_id AS stream, originator_version AS version
  FROM stored_events
 WHERE partition = $1
   AND notification_id = $2;

-- name: quarantined
-- $1 streams, at most
SELECT q.follower, q.partition, q.position, q.stream_id, q.error, e.topic,
       extract(epoch FROM now() - q.since)::float8 AS seconds
  FROM quarantine AS q
  LEFT JOIN stored_events AS e
    ON e.partition = q.partition
   AND e.notification_id = q.position
 ORDER BY q.since, q.follower, q.partition, q.position
 LIMIT $1;
