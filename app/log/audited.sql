-- name: read_positions
-- $1 partition   $2 positions
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, e.metadata
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND e.notification_id = ANY ($2::bigint[])
 ORDER BY e.notification_id;

-- name: read_places
-- $1 partitions, $2 positions: of equal length
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, e.metadata
  FROM unnest($1::integer[], $2::bigint[])
       WITH ORDINALITY AS wanted(partition, position, number)
  JOIN recorded_event AS e
    ON e.partition = wanted.partition
   AND e.notification_id = wanted.position
 ORDER BY wanted.number;

-- name: read_between
-- {order} ASC or DESC   $1 partition   $2 after position   $3 up to position   $4 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, e.metadata
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND e.notification_id > $2
   AND e.notification_id <= $3
 ORDER BY e.notification_id {order}
 LIMIT $4;

-- name: read_on
-- $1 partition   $2 after position   $3 up to position   $4 events, at most   $5 bytes of their
-- states, at most, beside those of the last event
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, e.metadata
  FROM (SELECT s.*, sum(octet_length(s.state)) OVER (ORDER BY s.notification_id) AS bytes
          FROM recorded_event AS s
         WHERE s.partition = $1
           AND s.notification_id > $2
           AND s.notification_id <= $3
         ORDER BY s.notification_id
         LIMIT $4) AS e
 WHERE e.bytes - octet_length(e.state) < $5
 ORDER BY e.notification_id;

-- name: read_versions
-- $1 partition   $2 stream   $3 after this version   $4 up to version   $5 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, e.metadata
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND e.originator_id = $2
   AND e.originator_version > $3
   AND e.originator_version <= $4
 ORDER BY e.originator_version
 LIMIT $5;

-- name: read_pasts
-- $1 partitions, $2 streams, $3 up to these versions: of equal length   $4 bytes of states, at most
SELECT r.partition, r.notification_id, r.originator_id, r.originator_version, r.topic, r.state,
       r.event_id, r.recorded_at, r.actor, r.wrapped, r.metadata
  FROM (SELECT e.*, wanted.number,
               sum(octet_length(e.state))
                   OVER (ORDER BY wanted.number, e.originator_version) AS bytes
          FROM unnest($1::integer[], $2::uuid[], $3::bigint[])
               WITH ORDINALITY AS wanted(partition, stream, version, number)
          -- (ORDER BY keeps it one range of the index for each stream.)
         CROSS JOIN LATERAL (
                   SELECT *
                     FROM recorded_event AS s
                    WHERE s.partition = wanted.partition
                      AND s.originator_id = wanted.stream
                      AND s.originator_version <= wanted.version
                    ORDER BY s.originator_version
               ) AS e) AS r
 WHERE r.bytes <= $4
 ORDER BY r.number, r.originator_version;
