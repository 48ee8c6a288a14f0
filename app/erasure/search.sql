-- name: found
-- $1 terms, all of which a session has to have   $2 after this stream; null: from the first one on
-- $3 streams, at most
-- In the order of their ids: each partition gives its first ones.
SELECT f.stream_id AS stream
  FROM log_partition AS h
 CROSS JOIN LATERAL (
           SELECT t.stream_id
             FROM person_term AS t
            WHERE t.partition = h.partition
              AND t.term = ($1::bigint[])[1]
              AND ($2::uuid IS NULL OR t.stream_id > $2)
              AND NOT EXISTS (SELECT
                                FROM unnest(($1::bigint[])[2:]) AS o(term)
                               WHERE NOT EXISTS (SELECT
                                                   FROM person_term AS u
                                                  WHERE u.partition = h.partition
                                                    AND u.term = o.term
                                                    AND u.stream_id = t.stream_id))
            ORDER BY t.stream_id
            LIMIT $3
       ) AS f
 ORDER BY f.stream_id
 LIMIT $3;

-- name: terms
-- $1 partitions, $2 streams: of equal length
-- All terms of streams.
SELECT t.stream_id AS stream, t.term
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  JOIN person_term AS t
    ON t.partition = wanted.partition
   AND t.stream_id = wanted.stream;

-- name: newest
-- $1 terms, all of which a session has to have   $2, $3 time and stream of the session before; null:
-- from the newest one on   $4 streams, at most
SELECT e.recorded_at AS opened_at, t.stream_id AS stream
  FROM log_partition AS h
  JOIN person_term AS t
    ON t.partition = h.partition
   AND t.term = ($1::bigint[])[1]
 CROSS JOIN LATERAL (
           SELECT s.recorded_at
             FROM stored_events AS s
            WHERE s.partition = h.partition
              AND s.originator_id = t.stream_id
              AND s.originator_version = 1
            LIMIT 1
       ) AS e
 WHERE ($3::uuid IS NULL OR (e.recorded_at, t.stream_id) < ($2::timestamptz, $3::uuid))
   AND NOT EXISTS (SELECT
                     FROM unnest(($1::bigint[])[2:]) AS o(term)
                    WHERE NOT EXISTS (SELECT
                                        FROM person_term AS u
                                       WHERE u.partition = h.partition
                                         AND u.term = o.term
                                         AND u.stream_id = t.stream_id))
 ORDER BY e.recorded_at DESC, t.stream_id DESC
 LIMIT $4;

-- name: opened
-- $1 partitions, $2 streams: of equal length
SELECT e.recorded_at AS opened_at, wanted.stream
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.originator_id = wanted.stream
   AND e.originator_version = 1;
