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
