-- name: segments
-- {order} ASC or DESC, {from} >= or <=
-- $1 partition   $2 terms, $3 segments to begin at, $4 segments, at most: of equal length
-- Returns the number of each term with a segment, in that order.
SELECT wanted.number, i.segment, i.positions
  FROM unnest($2::bigint[], $3::bigint[], $4::integer[])
       WITH ORDINALITY AS wanted(term, first, most, number)
 CROSS JOIN LATERAL (
           SELECT e.segment, e.positions
             FROM event_index AS e
            WHERE e.partition = $1
              AND e.term = wanted.term
              AND e.segment {from} wanted.first
            ORDER BY e.segment {order}
            LIMIT wanted.most
       ) AS i
 ORDER BY wanted.number, i.segment {order};

-- name: versions
-- $1 partition   $2 stream   $3 after position   $4 up to position
-- Returns the number of versions that the stream had at each of the two positions. Positions grow
-- with versions, so that halving finds them with the key of the log.
WITH RECURSIVE last(version) AS (
    SELECT coalesce((SELECT e.originator_version
                       FROM stored_events AS e
                      WHERE e.partition = $1
                        AND e.originator_id = $2
                      ORDER BY e.originator_version DESC
                      LIMIT 1), 0)
), search(bound, low, high) AS (
    SELECT bound, 0::bigint, last.version
      FROM last, unnest(ARRAY[$3::bigint, $4::bigint]) AS bound
     UNION ALL
    SELECT s.bound,
           CASE WHEN e.notification_id <= s.bound THEN s.middle ELSE s.low END,
           CASE WHEN e.notification_id <= s.bound THEN s.high ELSE s.middle - 1 END
      FROM (SELECT r.bound, r.low, r.high, (r.low + r.high + 1) / 2 AS middle
              FROM search AS r
             WHERE r.low < r.high) AS s
      LEFT JOIN LATERAL (
               SELECT t.notification_id
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
 ORDER BY bound;

-- name: positions
-- {order} ASC or DESC
-- $1 partition   $2 stream   $3 from version   $4 up to version   $5 events, at most
SELECT e.notification_id AS position
  FROM stored_events AS e
 WHERE e.partition = $1
   AND e.originator_id = $2
   AND e.originator_version >= $3
   AND e.originator_version <= $4
 ORDER BY e.originator_version {order}
 LIMIT $5;
