-- name: nearest
-- {history}   $1 partition   $2 stream   $3 version
-- The stream's last kept version up to that one, with the columns of a view's row.
SELECT h.stream_id, h.partition, h.version, h.position,
       h.created_by, h.created_at, h.modified_by, h.modified_at, h.doc
  FROM {history} AS h
 WHERE h.partition = $1
   AND h.stream_id = $2
   AND h.version <= $3
 ORDER BY h.version DESC
 LIMIT 1;

-- name: version_at
-- $1 partition   $2 stream   $3 position
-- Returns the stream's last version up to the position; 0: it has none.
-- Versions have no gaps, so that halving finds it with the key of versions.
WITH RECURSIVE search(low, high) AS (
    SELECT CASE WHEN e.notification_id <= $3 THEN e.originator_version ELSE 0 END,
           e.originator_version
      FROM (SELECT s.originator_version, s.notification_id
              FROM stored_events AS s
             WHERE s.partition = $1
               AND s.originator_id = $2
             ORDER BY s.originator_version DESC
             LIMIT 1) AS e
     UNION ALL
    SELECT CASE WHEN e.notification_id <= $3 THEN s.middle ELSE s.low END,
           CASE WHEN e.notification_id <= $3 THEN s.high ELSE s.middle - 1 END
      FROM (SELECT r.low, r.high, (r.low + r.high + 1) / 2 AS middle
              FROM search AS r
             WHERE r.low < r.high) AS s
      LEFT JOIN LATERAL (
               SELECT t.notification_id
                 FROM stored_events AS t
                WHERE t.partition = $1
                  AND t.originator_id = $2
                  AND t.originator_version = s.middle
                LIMIT 1
           ) AS e ON true
)
SELECT coalesce(max(low), 0) AS version
  FROM search
 WHERE low = high;
