-- name: versions_at
-- $1 partition   $2 stream   $3 positions
-- Returns, for each position, the stream's last version up to it, 0 if that came later; no row if the
-- stream has no events. Positions grow with versions, which have no gaps, so that halving finds them
-- with the key of the log.
WITH RECURSIVE last AS (
    SELECT e.originator_version AS version, e.notification_id AS position
      FROM stored_events AS e
     WHERE e.partition = $1
       AND e.originator_id = $2
     ORDER BY e.originator_version DESC
     LIMIT 1
), search(number, bound, low, high) AS (
    SELECT b.number, b.bound, CASE WHEN l.position <= b.bound THEN l.version ELSE 0 END, l.version
      FROM last AS l
     CROSS JOIN unnest($3::bigint[]) WITH ORDINALITY AS b(bound, number)
     UNION ALL
    SELECT s.number, s.bound,
           CASE WHEN e.position <= s.bound THEN s.middle ELSE s.low END,
           CASE WHEN e.position <= s.bound THEN s.high ELSE s.middle - 1 END
      FROM (SELECT r.number, r.bound, r.low, r.high, (r.low + r.high + 1) / 2 AS middle
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
 WHERE low = high
 ORDER BY number;
