-- name: rows
-- {view} table   $1 partition   $2 from stream   $3 up to stream   $4 limit of rows
SELECT v.stream_id, v.partition, v.version, v.position, v.created_by, v.created_at,
       v.modified_by, v.modified_at, v.doc, v.search
  FROM {view} AS v
 WHERE v.partition = $1
   AND v.stream_id >= $2
   AND v.stream_id <= $3
 ORDER BY v.stream_id
 LIMIT $4;

-- name: open_rows
-- {history} table, otherwise as `rows`: the versions that last
SELECT h.stream_id, h.partition, h.version, h.position, h.created_by, h.created_at,
       h.modified_by, h.modified_at, h.doc, h.search
  FROM {history} AS h
 WHERE h.partition = $1
   AND h.stream_id >= $2
   AND h.stream_id <= $3
   AND h.until = 9223372036854775807
 ORDER BY h.stream_id, h.version
 LIMIT $4;

-- name: broken_chains
-- {history} table   $1 partition   $2 from stream   $3 up to stream   $4 limit of rows
-- Versions of a stream that are not in their place, or do not end where the next one begins.
SELECT c.stream_id, c.version, c.number, c.position, c.until, c.next_version, c.next_position
  FROM (SELECT h.stream_id, h.version, h.position, h.until,
               row_number() OVER versions AS number,
               lead(h.version) OVER versions AS next_version,
               lead(h.position) OVER versions AS next_position
          FROM {history} AS h
         WHERE h.partition = $1
           AND h.stream_id >= $2
           AND h.stream_id <= $3
        WINDOW versions AS (PARTITION BY h.stream_id ORDER BY h.version)) AS c
 WHERE c.version <> c.number
    OR c.until <= c.position
    OR c.until <> c.next_position
 ORDER BY c.stream_id, c.version
 LIMIT $4;

-- name: followed
-- $1 partition   $2 views
-- The position up to which the histories of these go.
SELECT least(coalesce((SELECT f.position
                         FROM follower_checkpoint AS f
                        WHERE f.partition = $1
                          AND f.name = 'history'), 0),
             (SELECT min(coalesce(o.position, 0))
                FROM view_version AS v
                LEFT JOIN follower_checkpoint AS o
                  ON o.partition = $1
                 AND o.name = 'history_' || v.name
               WHERE v.name = ANY ($2::text[]))) AS position;

-- name: stray_rows
-- {view} table; partitions with rows in it but without a head in the log
SELECT partition, rows FROM stray_rows_1('{view}') ORDER BY partition;
