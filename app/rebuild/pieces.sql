-- name: piece
-- {fresh} table   $1 partition   $2 after this stream in it   $3 rows; the end of a piece of that
-- size
SELECT f.partition, f.stream_id
  FROM {fresh} AS f
 WHERE (f.partition, f.stream_id) > ($1, $2)
 ORDER BY f.partition, f.stream_id
OFFSET $3
 LIMIT 1;

-- name: whole_tables
-- The connection is set up for index probes; comparing whole tables needs other plans.
SET LOCAL enable_seqscan = on;
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on;

-- name: differing
-- {live}, {fresh} tables   $1 partition   $2 after this stream in it   $3 partition   $4 up to this
-- stream in it; the number of rows that only one table has, or that differ
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
