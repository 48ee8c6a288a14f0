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
