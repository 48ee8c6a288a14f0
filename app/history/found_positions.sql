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
