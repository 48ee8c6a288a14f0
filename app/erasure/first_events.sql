-- name: first_events
-- $1 partitions, $2 streams: of equal length
SELECT e.originator_id AS stream, e.recorded_at, e.state
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.originator_id = wanted.stream
   AND e.originator_version = 1;
