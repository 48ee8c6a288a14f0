-- name: read_streams
-- $1 partitions, $2 streams: of equal length
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  -- (ORDER BY keeps it one range of the index for each stream.)
 CROSS JOIN LATERAL (
           SELECT s.partition, s.notification_id, s.originator_id, s.originator_version, s.topic,
                  s.state, s.event_id, s.recorded_at, s.actor, s.wrapped
             FROM recorded_event AS s
            WHERE s.partition = wanted.partition
              AND s.originator_id = wanted.stream
            ORDER BY s.originator_version
       ) AS e
 ORDER BY e.originator_id, e.originator_version;

-- name: read_ends
-- $1 partitions, $2 streams, $3 versions: of equal length
-- Returns the first event of each stream, and the last one up to its version.
SELECT * FROM read_ends_1($1, $2, $3) AS e ORDER BY e.number, e.originator_version;

-- name: read_on
-- $1 partition   $2 stream   $3 after this version   $4 up to version   $5 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND e.originator_id = $2
   AND e.originator_version > $3
   AND e.originator_version <= $4
 ORDER BY e.originator_version
 LIMIT $5;

-- name: read_feed
-- $1 partition   $2 after position   $3 up to position   $4 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND e.notification_id > $2
   AND e.notification_id <= $3
 ORDER BY e.notification_id
 LIMIT $4;

-- name: read_by_stream
-- $1 partition   $2 after stream   $3 after version in it   $4 up to position   $5 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND (e.originator_id, e.originator_version) > ($2, $3)
   AND e.notification_id <= $4
 ORDER BY e.originator_id, e.originator_version
 LIMIT $5;

-- name: read_back
-- $1 partition   $2 stream   $3 stored name   $4 before this version   $5 events, at most
-- $6 versions to search
-- Each row has the version (`before`) at which the search began: the stream may end before $4.
-- Returns one row without an event if none is found.
SELECT * FROM read_back_1($1, $2, $3, $4, $5, $6) AS e ORDER BY e.originator_version DESC;

-- name: read_topic_on
-- $1 partition   $2 stream   $3 stored name   $4 from this version   $5 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND e.originator_id = $2
   AND e.topic = $3
   AND e.originator_version >= $4
 ORDER BY e.originator_version
 LIMIT $5;

-- name: heads
SELECT partition, position
  FROM log_partition
 ORDER BY partition;

-- name: metadata
-- $1 partition   $2 stream   $3 from version   $4 up to version
SELECT metadata
  FROM stored_events
 WHERE partition = $1
   AND originator_id = $2
   AND originator_version >= $3
   AND originator_version <= $4
 ORDER BY originator_version;

-- name: used_key
-- $1 partition   $2 principal   $3 key
SELECT fingerprint, stream_id, version
  FROM idempotency_key
 WHERE partition = $1
   AND principal = $2
   AND key = $3;

-- name: await_standby
-- A commit whose wait for a standby was cut short is seen, but no standby need have it. This one
-- changes nothing, but its locks are in the WAL behind all that is seen, and it waits likewise.
SELECT settle_1();

-- name: key_settings
SELECT name, value
  FROM log_setting
 WHERE name IN ('master_key_check', 'root_key', 'next_key_check', 'next_key', 'previous_key',
                'stream_keys_under');
