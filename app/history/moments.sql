-- name: cut_at
-- $1 time
-- Returns, for each partition, the position of its last event up to the time; 0: there is none.
-- Times never run backwards in a partition, so that halving finds it with the key of positions.
WITH RECURSIVE search(partition, low, high) AS (
    SELECT h.partition, CASE WHEN h.recorded_at <= $1 THEN h.position ELSE 0 END, h.position
      FROM log_partition AS h
     UNION ALL
    SELECT s.partition,
           CASE WHEN e.recorded_at <= $1 THEN s.middle ELSE s.low END,
           CASE WHEN e.recorded_at <= $1 THEN s.high ELSE s.middle - 1 END
      FROM (SELECT r.partition, r.low, r.high, (r.low + r.high + 1) / 2 AS middle
              FROM search AS r
             WHERE r.low < r.high) AS s
      LEFT JOIN LATERAL (
               SELECT t.recorded_at
                 FROM stored_events AS t
                WHERE t.partition = s.partition
                  AND t.notification_id = s.middle
                LIMIT 1
           ) AS e ON true
)
SELECT partition, low AS position
  FROM search
 WHERE low = high
 ORDER BY partition;

-- name: heads
SELECT partition, position, recorded_at
  FROM log_partition
 ORDER BY partition;

-- name: times
-- $1 partitions, $2 positions: of equal length
SELECT e.recorded_at
  FROM unnest($1::integer[], $2::bigint[]) AS wanted(partition, position)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.notification_id = wanted.position;

-- name: at_version
-- $1 partition   $2 stream   $3 version
SELECT notification_id AS position, recorded_at
  FROM stored_events
 WHERE partition = $1
   AND originator_id = $2
   AND originator_version = $3;

-- name: settle
SELECT settle_1();
