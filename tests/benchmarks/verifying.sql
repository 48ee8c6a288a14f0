-- name: measures
-- Of a log of one partition: its last position, and the time between two copies of it.
SELECT max(e.notification_id) AS events,
       max(e.recorded_at) - min(e.recorded_at) + interval '1 second' AS lasted
  FROM stored_events AS e;

-- name: copied_id
-- Another id for each copy, near the first one in the indexes.
CREATE FUNCTION copied_id(id uuid, number integer) RETURNS uuid LANGUAGE sql IMMUTABLE
AS 'SELECT (left(id::text, 24) || right(md5(id::text || number), 12))::uuid';

-- name: events
-- $1 events of the log   $2 how long they lasted   $3 copies, which follow one another
INSERT INTO stored_events (partition, originator_id, originator_version, topic, state,
                           notification_id, event_id, recorded_at, actor, metadata)
SELECT e.partition, copied_id(e.originator_id, c.number), e.originator_version, e.topic, e.state,
       e.notification_id + c.number * $1::bigint, copied_id(e.event_id, c.number),
       e.recorded_at + c.number * $2::interval, e.actor, e.metadata
  FROM stored_events AS e, generate_series(1, $3::integer) AS c(number)
 ORDER BY c.number, e.notification_id;

-- name: keys
-- $1 copies
INSERT INTO stream_key (partition, stream_id, wrapped)
SELECT k.partition, copied_id(k.stream_id, c.number), k.wrapped
  FROM stream_key AS k, generate_series(1, $1::integer) AS c(number);

-- name: head
UPDATE log_partition AS p
   SET position = e.position, recorded_at = e.recorded_at
  FROM (SELECT max(s.notification_id) AS position, max(s.recorded_at) AS recorded_at
          FROM stored_events AS s) AS e;
