-- name: reached
-- The position up to which each partition is in the histories and in the index of events.
SELECT coalesce(f.position, 0) AS position
  FROM log_partition AS h
  LEFT JOIN follower_checkpoint AS f
    ON f.partition = h.partition
   AND f.name = 'history'
 ORDER BY h.partition;
