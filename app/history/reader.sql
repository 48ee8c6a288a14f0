-- name: first_events
-- $1 partitions, $2 streams: of equal length
SELECT wanted.stream, e.topic, e.state
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.originator_id = wanted.stream
   AND e.originator_version = 1;

-- name: place
-- $1 event id
SELECT e.partition, e.notification_id AS position
  FROM log_partition AS h
 CROSS JOIN LATERAL (
           SELECT s.partition, s.notification_id
             FROM stored_events AS s
            WHERE s.partition = h.partition
              AND s.event_id = $1
            LIMIT 1
       ) AS e
 LIMIT 1;
