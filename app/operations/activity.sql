-- name: activity
-- $1 first day, $2 last day: null: no end   $3 account; null: all, '': sessions without one
-- $4 rows, at most
-- Newest days first.
SELECT * FROM activity_read_1($1, $2, $3, $4) AS a ORDER BY a.day DESC, a.account_id;

-- name: reached
SELECT h.partition, coalesce(f.position, 0) AS position, h.position AS head
  FROM log_partition AS h
  LEFT JOIN follower_checkpoint AS f
    ON f.partition = h.partition
   AND f.name = 'activity'
 ORDER BY h.partition;

-- name: waiting
SELECT count(*) AS streams
  FROM quarantine
 WHERE follower = 'activity';
