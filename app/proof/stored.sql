-- name: read_stored
-- $1 partition   $2 after position   $3 up to position   $4 events, at most   $5 bytes of their
-- states and metadata, at most, beside those of the last event
-- All columns as they are stored, in the order of an event's leaf. (Times that no clock shows get the
-- first or the last one that a leaf can have.)
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id,
       CASE WHEN e.recorded_at BETWEEN '0001-01-01Z' AND '9999-12-31Z'
            THEN (extract(epoch FROM e.recorded_at) * 1000000)::bigint
            WHEN e.recorded_at > '9999-12-31Z' THEN 9223372036854775807
            ELSE -9223372036854775808
       END AS recorded_at_us,
       e.actor, e.metadata
  FROM (SELECT s.partition, s.notification_id, s.originator_id, s.originator_version, s.topic,
               s.state, s.event_id, s.recorded_at, s.actor, s.metadata::text AS metadata,
               sum(octet_length(s.state)) OVER (ORDER BY s.notification_id) AS bytes
          FROM stored_events AS s
         WHERE s.partition = $1
           AND s.notification_id > $2
           AND s.notification_id <= $3
         ORDER BY s.notification_id
         LIMIT $4) AS e
 WHERE e.bytes - octet_length(e.state) < $5
 ORDER BY e.notification_id;

-- name: read_some
-- $1 partition   $2 positions
SELECT s.partition, s.notification_id, s.originator_id, s.originator_version, s.topic, s.state,
       s.event_id,
       CASE WHEN s.recorded_at BETWEEN '0001-01-01Z' AND '9999-12-31Z'
            THEN (extract(epoch FROM s.recorded_at) * 1000000)::bigint
            WHEN s.recorded_at > '9999-12-31Z' THEN 9223372036854775807
            ELSE -9223372036854775808
       END AS recorded_at_us,
       s.actor, s.metadata::text AS metadata
  FROM stored_events AS s
 WHERE s.partition = $1
   AND s.notification_id = ANY ($2::bigint[])
 ORDER BY s.notification_id;
