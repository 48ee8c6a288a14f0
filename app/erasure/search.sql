-- name: found
-- $1 terms, all of which a session has to have   $2 after this stream; null: from the first one on
-- $3 streams, at most
-- In the order of their ids: each partition gives its first ones.
SELECT f.stream FROM people_found_1($1, $2, $3) AS f ORDER BY f.stream LIMIT $3;

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
SELECT opened_at, stream
  FROM newest_found_1($1, $2, $3, $4)
 ORDER BY opened_at DESC, stream DESC
 LIMIT $4;
