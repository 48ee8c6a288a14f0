-- name: state
-- Whether an import was begun here, and whether there are events. (Citus reads no rows without columns.)
SELECT EXISTS (SELECT 1 FROM log_setting WHERE name = 'import') AS is_begun,
       EXISTS (SELECT 1 FROM stored_events) AS has_events;

-- name: begin
-- $1 fingerprint of the master key. As long as the check value is missing, no service takes the log.
INSERT INTO log_setting (name, value) VALUES ('import', $1)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: unsettle
DELETE FROM log_setting WHERE name IN ('master_key_check', 'root_key', 'stream_keys_under');

-- name: heads
SELECT h.partition, h.position, CASE WHEN h.position > 0 THEN h.recorded_at END AS recorded_at,
       (SELECT e.event_id
          FROM stored_events AS e
         WHERE e.partition = h.partition
           AND e.notification_id = h.position) AS event_id
  FROM log_partition AS h
 ORDER BY h.partition;

-- name: appends
-- The kinds of a batch are compared at once, not by a trigger for each event.
SELECT set_config('sessionary.appends', 'on', true);

-- name: refuse_other_kinds
-- $1 partition   $2 streams, $3 stored names: of equal length
SELECT refuse_other_kinds_1($1, $2, $3);

-- name: versions
-- $1 partition   $2 streams; the last version of each that has events
SELECT s.stream,
       (SELECT e.originator_version
          FROM stored_events AS e
         WHERE e.partition = $1
           AND e.originator_id = s.stream
         ORDER BY e.originator_version DESC
         LIMIT 1) AS version
  FROM unnest($2::uuid[]) AS s(stream);

-- name: stream_keys
-- $1 partition   $2 streams
SELECT stream_id, wrapped
  FROM stream_key
 WHERE partition = $1
   AND stream_id = ANY ($2::uuid[]);

-- name: move_head
-- $1 partition   $2 position   $3 time
UPDATE log_partition SET position = $2, recorded_at = $3 WHERE partition = $1;

-- name: used_keys
-- $1 partition   $2 principals, $3 keys, $4 fingerprints, $5 streams, $6 versions: of equal length
INSERT INTO idempotency_key (partition, principal, key, fingerprint, stream_id, version)
SELECT $1, n.*
  FROM unnest($2::text[], $3::text[], $4::bytea[], $5::uuid[], $6::bigint[]) AS n
    ON CONFLICT DO NOTHING;

-- name: twice
-- Events with the id of an earlier one.
SELECT partition, notification_id AS position
  FROM (SELECT e.partition, e.notification_id,
               lag(e.event_id) OVER (ORDER BY e.event_id) = e.event_id AS is_again
          FROM stored_events AS e) AS e
 WHERE is_again
 LIMIT 1;

-- name: move_numbers
-- $1 sequence   $2 up to
SELECT move_sequence_1($1, $2);

-- name: associates
SELECT coalesce(max(associate_id), 0) FROM principal;

-- name: settle
-- $1 check value   $2 root key, sealed   $3 a mark by which caches notice that the log is another
INSERT INTO log_setting (name, value)
VALUES ('master_key_check', $1), ('root_key', $2), ('restored', $3)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: end
DELETE FROM log_setting WHERE name = 'import';
