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
               sum(octet_length(s.state)) OVER (ORDER BY s.notification_id
                                                  ROWS UNBOUNDED PRECEDING) AS bytes
          FROM stored_events AS s
         WHERE s.partition = $1
           AND s.notification_id > $2
           AND s.notification_id <= $3
         ORDER BY s.notification_id
         LIMIT $4) AS e
 WHERE e.bytes - octet_length(e.state) < $5
 ORDER BY e.notification_id;

-- name: read_hashed
-- $1 to $5 as above   $6 whether their metadata is wanted
-- The hashes of the same events' leaves, one behind the other in their order, made here from the
-- columns: the form is that of `leaf_data`. No row: there are no such events.
SELECT max(l.notification_id) AS position, count(*) AS events,
       (array_agg(l.event_id ORDER BY l.notification_id))[count(*)] AS last,
       string_agg(l.hash, ''::bytea ORDER BY l.notification_id) AS hashes,
       coalesce(array_agg(l.metadata_utf8 ORDER BY l.notification_id) FILTER (WHERE $6), '{}')
           AS metadata
  FROM (SELECT e.notification_id, e.event_id, e.metadata_utf8,
               -- (In brackets, so that not each of the parts copies all those before it.)
               sha256(('\x00'::bytea || 'sessionary/event/v1'::bytea
                       || '\x0000000000000008'::bytea || int8send(e.partition)
                       || '\x0000000000000008'::bytea || int8send(e.notification_id)
                       || '\x0000000000000010'::bytea || uuid_send(e.originator_id)
                       || '\x0000000000000008'::bytea || int8send(e.originator_version))
                      || (int8send(octet_length(e.topic_utf8)) || e.topic_utf8
                          || int8send(octet_length(e.state)))
                      || e.state
                      || ('\x0000000000000010'::bytea || uuid_send(e.event_id)
                          || '\x0000000000000008'::bytea || int8send(
                             CASE WHEN e.recorded_at BETWEEN '0001-01-01Z' AND '9999-12-31Z'
                                  THEN (extract(epoch FROM e.recorded_at) * 1000000)::bigint
                                  WHEN e.recorded_at > '9999-12-31Z' THEN 9223372036854775807
                                  ELSE -9223372036854775808
                             END)
                          || int8send(octet_length(e.actor_utf8)) || e.actor_utf8
                          || int8send(octet_length(e.metadata_utf8)) || e.metadata_utf8)
               ) AS hash
          FROM (SELECT s.partition, s.notification_id, s.originator_id, s.originator_version,
                       s.state, s.event_id, s.recorded_at,
                       convert_to(s.topic, 'UTF8') AS topic_utf8,
                       convert_to(s.actor, 'UTF8') AS actor_utf8,
                       convert_to(s.metadata::text, 'UTF8') AS metadata_utf8,
                       sum(octet_length(s.state)) OVER (ORDER BY s.notification_id
                                                          ROWS UNBOUNDED PRECEDING) AS bytes
                  FROM stored_events AS s
                 WHERE s.partition = $1
                   AND s.notification_id > $2
                   AND s.notification_id <= $3
                 ORDER BY s.notification_id
                 LIMIT $4) AS e
         WHERE e.bytes - octet_length(e.state) < $5) AS l
HAVING count(*) > 0;

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
