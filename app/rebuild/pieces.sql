-- name: piece
-- {fresh} table   $1 partition   $2 after stream of it   $3 rows; where a piece of so many ends
SELECT f.partition, f.stream_id
  FROM {fresh} AS f
 WHERE (f.partition, f.stream_id) > ($1, $2)
 ORDER BY f.partition, f.stream_id
OFFSET $3
 LIMIT 1;

-- name: whole_tables
-- The connection is set up for probes; what compares whole tables is not one.
SET LOCAL enable_seqscan = on;
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on;

-- name: differing
-- {live}, {fresh} tables   $1 partition   $2 after stream of it   $3 partition   $4 up to stream of
-- it; how many rows are in one only, or not alike in both
SELECT count(*)
  FROM (SELECT *
          FROM {fresh} AS t
         WHERE (t.partition, t.stream_id) > ($1, $2)
           AND (t.partition, t.stream_id) <= ($3, $4)) AS f
  FULL JOIN (SELECT *
               FROM {live} AS t
              WHERE (t.partition, t.stream_id) > ($1, $2)
                AND (t.partition, t.stream_id) <= ($3, $4)) AS l
    ON l.partition = f.partition
   AND l.stream_id = f.stream_id
 WHERE f IS DISTINCT FROM l;
