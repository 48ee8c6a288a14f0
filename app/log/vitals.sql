-- name: heads
SELECT partition, position, extract(epoch FROM recorded_at)::float8 AS recorded_at
  FROM log_partition
 WHERE position > 0
 ORDER BY partition;
