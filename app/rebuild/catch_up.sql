-- name: moved
-- $1 partition   $2 after position   $3 up to position   $4 events, at most
SELECT e.originator_id, e.originator_version, e.topic, e.notification_id AS position
  FROM stored_events AS e
 WHERE e.partition = $1
   AND e.notification_id > $2
   AND e.notification_id <= $3
 ORDER BY e.notification_id
 LIMIT $4;

-- name: keep
-- {live}, {fresh} tables, {columns} to write   $1 partitions, $2 streams: of equal length
-- Copies the live rows of the streams.
INSERT INTO {fresh} ({columns})
SELECT {columns}
  FROM {live}
 WHERE (partition, stream_id) IN (SELECT * FROM unnest($1::integer[], $2::uuid[]));

-- name: forget
-- {fresh} table   $1 partitions, $2 streams: of equal length
DELETE FROM {fresh}
 WHERE (partition, stream_id) IN (SELECT * FROM unnest($1::integer[], $2::uuid[]));

-- name: count
-- {fresh} table
SELECT count(*) FROM {fresh};
