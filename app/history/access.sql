-- name: of_all
-- $1 after positions, $2 up to positions: one for each partition   $3 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, e.metadata
  FROM log_partition AS h
 CROSS JOIN LATERAL (
           SELECT *
             FROM recorded_event AS s
            WHERE s.partition = h.partition
              AND s.notification_id > ($1::bigint[])[h.partition + 1]
              AND s.notification_id <= ($2::bigint[])[h.partition + 1]
              -- (As in the index of these events alone.)
              AND (s.topic LIKE 'principal.%' OR s.topic LIKE 'audit.%')
            ORDER BY s.notification_id DESC
            LIMIT $3
       ) AS e
 ORDER BY e.recorded_at DESC, e.partition DESC, e.notification_id DESC
 LIMIT $3;

-- name: of_stream
-- $1 partition   $2 stream   $3 after this version   $4 up to version   $5 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, e.metadata
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND e.originator_id = $2
   AND e.originator_version > $3
   AND e.originator_version <= $4
 ORDER BY e.originator_version DESC
 LIMIT $5;
