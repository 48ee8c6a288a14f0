-- name: snapshot
SELECT pg_export_snapshot();

-- name: heads
SELECT partition, position, CASE WHEN position > 0 THEN recorded_at END AS recorded_at
  FROM log_partition
 ORDER BY partition;

-- name: settle
-- $1 a new check value of the same key: the first append of each worker meets it, and looks anew
-- $2 a mark by which caches notice that the log is another
INSERT INTO log_setting (name, value) VALUES ('master_key_check', $1), ('restored', $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
