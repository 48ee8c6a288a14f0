-- name: counted
-- $1 steps   $2 seconds of a step
-- How many events the log had at the end of each step; the last one ends now. Times never run
-- backwards in a partition, so that halving finds them with the key of positions.
WITH RECURSIVE moment(number, at) AS (
    SELECT n.number, now() - make_interval(secs => $2 * ($1 - n.number))
      FROM generate_series(0, $1::integer) AS n(number)
), search(number, at, partition, low, high) AS (
    SELECT m.number, m.at, h.partition,
           CASE WHEN h.recorded_at <= m.at THEN h.position ELSE 0 END, h.position
      FROM moment AS m
     CROSS JOIN log_partition AS h
     UNION ALL
    SELECT s.number, s.at, s.partition,
           CASE WHEN e.recorded_at <= s.at THEN s.middle ELSE s.low END,
           CASE WHEN e.recorded_at <= s.at THEN s.high ELSE s.middle - 1 END
      FROM (SELECT r.number, r.at, r.partition, r.low, r.high, (r.low + r.high + 1) / 2 AS middle
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
SELECT number, at, sum(low)::bigint AS events
  FROM search
 WHERE low = high
 GROUP BY number, at
 ORDER BY number;
