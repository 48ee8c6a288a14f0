-- name: heads
SELECT partition, position, CASE WHEN position > 0 THEN recorded_at END AS recorded_at
  FROM log_partition
 ORDER BY partition;

-- name: events
-- $1 partition   $2 after position   $3 up to position   $4 events, at most
SELECT e.partition, e.notification_id AS position, e.originator_id AS stream,
       e.originator_version AS version, e.topic, e.state, e.event_id, e.recorded_at, e.actor,
       e.metadata, e.wrapped
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND e.notification_id > $2
   AND e.notification_id <= $3
 ORDER BY e.notification_id
 LIMIT $4;

-- name: used_keys
-- $1 partition   $2 after principal   $3 and key   $4 up to position   $5 rows, at most
SELECT k.principal, k.key, k.fingerprint, k.stream_id, k.version,
       EXISTS (SELECT
                 FROM stored_events AS e
                WHERE e.partition = k.partition
                  AND e.originator_id = k.stream_id
                  AND e.originator_version = k.version
                  AND e.notification_id <= $4) AS is_within
  FROM idempotency_key AS k
 WHERE k.partition = $1
   AND (k.principal, k.key) > ($2, $3)
 ORDER BY k.principal, k.key
 LIMIT $5;

-- name: notes
-- $1 partitions, $2 positions: of equal length; for each, the latest checkpoint up to there
SELECT h.partition, c.note
  FROM unnest($1::integer[], $2::bigint[]) AS h(partition, position)
 CROSS JOIN LATERAL (SELECT k.note
                       FROM log_checkpoint AS k
                      WHERE k.partition = h.partition
                        AND k.size <= h.position
                        AND k.unfit_since IS NULL
                      ORDER BY k.size DESC, k.number DESC
                      LIMIT 1) AS c
 ORDER BY h.partition;
