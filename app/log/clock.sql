-- name: ahead
-- Seconds by which the log's time is ahead of the clock; 0 if it is not ahead.
SELECT coalesce(max(extract(epoch FROM h.recorded_at - clock_timestamp())::float8)
                    FILTER (WHERE h.recorded_at > clock_timestamp()), 0) AS seconds
  FROM log_partition AS h;
