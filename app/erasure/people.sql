-- name: ends
-- $1 partitions, $2 streams: of equal length
-- The first and the last event of each stream; no row for one without events.
SELECT wanted.stream, first.recorded_at AS first_at, last.recorded_at AS last_at,
       last.originator_version AS version, last.notification_id AS position
  FROM unnest($1::integer[], $2::uuid[]) WITH ORDINALITY AS wanted(partition, stream, number)
 CROSS JOIN LATERAL (
           SELECT e.recorded_at
             FROM stored_events AS e
            WHERE e.partition = wanted.partition
              AND e.originator_id = wanted.stream
            ORDER BY e.originator_version
            LIMIT 1
       ) AS first
 CROSS JOIN LATERAL (
           SELECT e.recorded_at, e.originator_version, e.notification_id
             FROM stored_events AS e
            WHERE e.partition = wanted.partition
              AND e.originator_id = wanted.stream
            ORDER BY e.originator_version DESC
            LIMIT 1
       ) AS last
 ORDER BY wanted.number;
