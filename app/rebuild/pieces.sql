-- name: range_plans
-- (Where statistics say that a range is short, a nested loop would go over it for each row.)
SET enable_mergejoin = on;
SET enable_nestloop = off;

-- name: doubts
-- $1 partition   $2 after stream   $3 up to stream; followed by `doubt` for each view, and `once`.
-- One statement for all views: each takes a trip to the server.
INSERT INTO rebuild_doubt (view, partition, stream_id)

-- name: doubt
-- {live}, {fresh} tables
-- (Equal images are equal rows, and cheap to tell; others are compared value by value at the end.)
SELECT '{live}', $1, coalesce(f.stream_id, l.stream_id)
  FROM (SELECT *
          FROM {fresh} AS t
         WHERE t.partition = $1
           AND t.stream_id > $2
           AND t.stream_id <= $3
         ORDER BY t.stream_id) AS f
  FULL JOIN (SELECT *
               FROM {live} AS t
              WHERE t.partition = $1
                AND t.stream_id > $2
                AND t.stream_id <= $3
              ORDER BY t.stream_id) AS l
    ON l.stream_id = f.stream_id
 WHERE (f *= l) IS NOT TRUE

-- name: once
ON CONFLICT DO NOTHING;

-- name: doubt_streams
-- $1 views   $2 partition   $3 streams
INSERT INTO rebuild_doubt (view, partition, stream_id)
SELECT v.name, $2, s.stream_id
  FROM unnest($1::text[]) AS v(name)
 CROSS JOIN unnest($3::uuid[]) AS s(stream_id)
    ON CONFLICT DO NOTHING;

-- name: doubt_beyond
-- {live} table   $1 view   $2 partitions of the log
INSERT INTO rebuild_doubt (view, partition, stream_id)
SELECT $1, l.partition, l.stream_id
  FROM {live} AS l
 WHERE l.partition < 0
    OR l.partition >= $2
    ON CONFLICT DO NOTHING;

-- name: differing
-- {live}, {fresh} tables   $1 view   $2 partition   $3 after this stream in it   $4 streams, at most
SELECT * FROM differing_1($1, '{fresh}', $2, $3, $4) AS d ORDER BY d.partition, d.stream_id;
