-- name: of_stream
-- $1 partition   $2 stream
SELECT follower, partition, position, since
  FROM quarantine
 WHERE partition = $1
   AND stream_id = $2
 ORDER BY follower;

-- name: before
-- $1 position of each partition, beginning with partition 0   $2 views
-- How many streams are in the histories of these views only up to an earlier position.
SELECT count(DISTINCT (q.partition, q.stream_id)) AS streams
  FROM unnest($1::bigint[]) WITH ORDINALITY AS cut(position, number)
  JOIN quarantine AS q
    ON q.partition = cut.number - 1
   AND (q.follower = 'history'
        OR q.follower IN (SELECT 'history_' || v.name
                            FROM view_version AS v
                           WHERE v.name = ANY ($2::text[])))
   AND q.position <= cut.position;
