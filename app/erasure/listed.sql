-- name: log_name
SELECT value FROM log_setting WHERE name = 'log_name';

-- name: streams
-- $1 partitions, $2 streams: of equal length
-- Those that the log has, with what is left of their keys.
SELECT wanted.stream, e.event_id AS first_event_id, k.wrapped
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.originator_id = wanted.stream
   AND e.originator_version = 1
  LEFT JOIN stream_key AS k
    ON k.partition = e.partition
   AND k.stream_id = e.originator_id;
