-- name: begin
-- Returns when no rebuild is under way, and keeps others from starting; the lock is the session's.
SELECT pg_advisory_lock_shared(hashtextextended('sessionary views', 0));

-- name: end
SELECT pg_advisory_unlock_shared(hashtextextended('sessionary views', 0));

-- name: gaps
-- Partitions whose positions are not 1 to the head's, each once.
SELECT h.partition, h.position AS head, count(e.notification_id) AS events,
       coalesce(max(e.notification_id), 0) AS last
  FROM log_partition AS h
  LEFT JOIN stored_events AS e ON e.partition = h.partition
 GROUP BY h.partition, h.position
HAVING count(e.notification_id) <> h.position
    OR coalesce(max(e.notification_id), 0) <> h.position
 ORDER BY h.partition;

-- name: backwards
-- Positions whose time is before that of the position before them.
SELECT t.partition, t.notification_id
  FROM (SELECT e.partition, e.notification_id, e.recorded_at,
               lag(e.recorded_at) OVER (PARTITION BY e.partition ORDER BY e.notification_id)
                   AS before
          FROM stored_events AS e) AS t
 WHERE t.recorded_at < t.before
 ORDER BY t.partition, t.notification_id
 LIMIT 20;

-- name: strays
-- Partitions that have events and no head.
SELECT e.partition, count(*) AS events
  FROM stored_events AS e
 WHERE NOT EXISTS (SELECT FROM log_partition AS h WHERE h.partition = e.partition)
 GROUP BY e.partition
 ORDER BY e.partition;

-- name: rows
-- {view} table   $1 partition
SELECT v.stream_id, v.partition, v.version, v.position, v.created_by, v.created_at,
       v.modified_by, v.modified_at, v.doc
  FROM {view} AS v
 WHERE v.partition = $1
 ORDER BY v.stream_id;

-- name: stray_rows
-- {view} table; partitions that it has rows of and the log has no head of
SELECT v.partition, count(*) AS rows
  FROM {view} AS v
 WHERE NOT EXISTS (SELECT FROM log_partition AS h WHERE h.partition = v.partition)
 GROUP BY v.partition
 ORDER BY v.partition;
