-- name: times
-- $1 partitions, $2 positions: of equal length
SELECT wanted.partition, wanted.position, e.recorded_at
  FROM unnest($1::integer[], $2::bigint[]) AS wanted(partition, position)
 CROSS JOIN LATERAL (
           SELECT s.recorded_at
             FROM stored_events AS s
            WHERE s.partition = wanted.partition
              AND s.notification_id = wanted.position
            LIMIT 1
       ) AS e;
