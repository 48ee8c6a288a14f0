-- name: begin
-- False while another rotation is under way. The session holds the lock for the whole run.
SELECT pg_try_advisory_lock(hashtextextended('sessionary keys', 0));

-- name: wait_for_readers
-- Rebuilding and verifying read for long, and know only the keys that there were at their start.
SELECT pg_advisory_lock(hashtextextended('sessionary views', 0));

-- name: end
SELECT pg_advisory_unlock_all();

-- name: hand_over
-- $1 check value of the new master key   $2 it, sealed under the old one
-- $3 the old one, sealed under the new one
INSERT INTO log_setting (name, value)
VALUES ('next_key_check', $1), ('next_key', $2), ('previous_key', $3);

-- name: wrap_with
-- $1 fingerprint of the master key that new stream keys are wrapped with from now on
INSERT INTO log_setting (name, value) VALUES ('stream_keys_under', $1)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: pass_head
-- $1 partition; waits for the append that holds its head
SELECT FROM log_partition WHERE partition = $1 FOR UPDATE;

-- name: count
SELECT count(*) FROM stream_key;

-- name: page
-- $1 partition   $2 after stream   $3 rows
SELECT partition, stream_id, wrapped
  FROM stream_key
 WHERE (partition, stream_id) > ($1, $2)
 ORDER BY partition, stream_id
 LIMIT $3;

-- name: rewrap
-- $1 partition   $2 streams, $3 wrapped before, $4 wrapped anew: of equal length
UPDATE stream_key AS k
   SET wrapped = n.after
  FROM unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS n(stream, before, after)
 WHERE k.partition = $1
   AND k.stream_id = n.stream
   AND k.wrapped = n.before;

-- name: finish
-- $1 check value   $2 root key, sealed: both under the new master key
INSERT INTO log_setting (name, value) VALUES ('master_key_check', $1), ('root_key', $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: forget
DELETE FROM log_setting WHERE name IN ('next_key_check', 'next_key', 'previous_key');

-- name: uses
-- Streams by the fingerprint of the master key that wraps their key.
-- (A row of 9 bytes holds no key: all of its stream are erased.)
SELECT encode(substr(wrapped, 1, 8), 'hex') AS fingerprint, count(*) AS streams
  FROM stream_key
 WHERE octet_length(wrapped) > 9
 GROUP BY 1
 ORDER BY 1;
