-- name: waiting
-- $1 seconds
SELECT * FROM waiting_1($1);

-- name: next_event
-- $1 partition   $2 position
SELECT topic, originator_id AS stream, originator_version AS version
  FROM stored_events
 WHERE partition = $1
   AND notification_id = $2;
