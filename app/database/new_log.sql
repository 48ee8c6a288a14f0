-- name: make_heads
-- $1 number of partitions; only for a log that has none yet
INSERT INTO log_partition (partition, position, recorded_at)
SELECT n.partition, 0, '-infinity'
  FROM generate_series(0, $1::integer - 1) AS n(partition)
 WHERE NOT EXISTS (SELECT 1 FROM log_partition);

-- name: name_log
-- $1 name; kept only if the log has none yet
INSERT INTO log_setting (name, value) VALUES ('log_name', $1)
    ON CONFLICT (name) DO NOTHING;

-- name: log_name
SELECT value FROM log_setting WHERE name = 'log_name';

-- name: partitions
SELECT count(*)::integer FROM log_partition;

-- name: mark_distributed
INSERT INTO log_setting (name, value) VALUES ('tables', 'distributed');
