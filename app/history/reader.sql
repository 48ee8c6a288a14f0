-- name: first_events
-- $1 partitions, $2 streams: of equal length
SELECT wanted.stream, e.topic, e.state
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.originator_id = wanted.stream
   AND e.originator_version = 1;

-- name: version_at
-- $1 partition   $2 stream   $3 position
-- Returns the last version at or before the position; 0: there was none; no row: the stream has no
-- events. Positions grow with versions, so that halving finds it with the key of the log.
WITH RECURSIVE last AS (
    SELECT e.originator_version AS version, e.notification_id AS position
      FROM stored_events AS e
     WHERE e.partition = $1
       AND e.originator_id = $2
     ORDER BY e.originator_version DESC
     LIMIT 1
), search(low, high) AS (
    SELECT CASE WHEN l.position <= $3 THEN l.version ELSE 0 END, l.version
      FROM last AS l
     UNION ALL
    SELECT CASE WHEN e.position <= $3 THEN s.middle ELSE s.low END,
           CASE WHEN e.position <= $3 THEN s.high ELSE s.middle - 1 END
      FROM (SELECT r.low, r.high, (r.low + r.high + 1) / 2 AS middle
              FROM search AS r
             WHERE r.low < r.high) AS s
      LEFT JOIN LATERAL (
               SELECT t.notification_id AS position
                 FROM stored_events AS t
                WHERE t.partition = $1
                  AND t.originator_id = $2
                  AND t.originator_version = s.middle
                LIMIT 1
           ) AS e ON true
)
SELECT low AS version
  FROM search
 WHERE low = high;

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
