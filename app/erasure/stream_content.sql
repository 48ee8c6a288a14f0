-- name: events
-- $1 partition   $2 stream   $3 after version   $4 up to version   $5 events, at most
SELECT s.originator_version AS version, s.notification_id AS position, s.topic, s.state,
       s.metadata::text AS metadata
  FROM stored_events AS s
 WHERE s.partition = $1
   AND s.originator_id = $2
   AND s.originator_version > $3
   AND s.originator_version <= $4
 ORDER BY s.originator_version
 LIMIT $5;
