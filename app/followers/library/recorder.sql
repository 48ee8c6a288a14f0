-- name: partitions
SELECT count(*) AS partitions
  FROM log_partition;

-- name: head
-- partition
SELECT position
  FROM log_partition
 WHERE partition = %(partition)s;

-- name: events
-- partition, stream, versions: after gt, up to lte; limit of events; null: no limit
-- {order} ASC or DESC
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped
  FROM recorded_event AS e
 WHERE e.partition = %(partition)s
   AND e.originator_id = %(stream)s
   AND e.originator_version > %(gt)s
   AND e.originator_version <= %(lte)s
 ORDER BY e.originator_version {order}
 LIMIT %(limit)s;

-- name: notifications
-- partition, positions: after gt, up to lte; topics: an empty array means all; limit
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped
  FROM recorded_event AS e
 WHERE e.partition = %(partition)s
   AND e.notification_id > %(gt)s
   AND e.notification_id <= %(lte)s
   AND (%(topics)s::text[] = '{{}}' OR e.topic = ANY (%(topics)s::text[]))
 ORDER BY e.notification_id
 LIMIT %(limit)s;

-- name: keys
SELECT coalesce(jsonb_object_agg(name, value)::text, '{{}}') AS keys
  FROM log_setting
 WHERE name IN ('master_key_check', 'root_key', 'next_key_check', 'next_key', 'previous_key',
                'stream_keys_under');
