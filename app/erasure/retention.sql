-- name: page
-- $1 partition   $2 after this stream   $3 streams, at most   $4 days
-- The streams that have keys of personal data, with the last event of each.
SELECT k.stream_id AS stream, k.wrapped, last.topic, last.recorded_at AS last_at,
       last.recorded_at < now() - make_interval(days => $4) AS is_old
  FROM (SELECT s.stream_id, s.wrapped
          FROM stream_key AS s
         WHERE s.partition = $1
           AND s.stream_id > $2
         ORDER BY s.stream_id
         LIMIT $3) AS k
  LEFT JOIN LATERAL (
           SELECT e.topic, e.recorded_at
             FROM stored_events AS e
            WHERE e.partition = $1
              AND e.originator_id = k.stream_id
            ORDER BY e.originator_version DESC
            LIMIT 1
       ) AS last ON true
 ORDER BY k.stream_id;
