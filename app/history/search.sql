-- name: times
-- $1 partitions, $2 positions: of equal length
SELECT wanted.partition, wanted.position, e.recorded_at
  FROM unnest($1::integer[], $2::bigint[]) AS wanted(partition, position)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.notification_id = wanted.position;
