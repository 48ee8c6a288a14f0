-- name: reached
-- $1 follower
-- The position up to which it is done with each partition.
SELECT coalesce(f.position, 0) AS position
  FROM log_partition AS h
  LEFT JOIN follower_checkpoint AS f
    ON f.partition = h.partition
   AND f.name = $1
 ORDER BY h.partition;
