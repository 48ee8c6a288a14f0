-- name: begin
-- Waits until no rebuild is running, and keeps others from starting. The session holds the lock.
SELECT pg_advisory_lock_shared(hashtextextended('sessionary views', 0));

-- name: end
SELECT pg_advisory_unlock_shared(hashtextextended('sessionary views', 0));

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

-- name: stray_rows
-- {view} table; partitions with rows in it but without a head in the log
WITH RECURSIVE known AS (
    SELECT min(v.partition) AS partition
      FROM {view} AS v
     UNION ALL
    SELECT (SELECT min(v.partition) FROM {view} AS v WHERE v.partition > k.partition)
      FROM known AS k
     WHERE k.partition IS NOT NULL
)
SELECT k.partition, (SELECT count(*) FROM {view} AS v WHERE v.partition = k.partition) AS rows
  FROM known AS k
 WHERE k.partition IS NOT NULL
   AND NOT EXISTS (SELECT FROM log_partition AS h WHERE h.partition = k.partition)
 ORDER BY k.partition;
