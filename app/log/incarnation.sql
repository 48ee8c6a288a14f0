-- name: look
-- A replaced database differs in its number, in the start of its server, or in what a restore left
-- there. (The server's system
-- identifier would not differ: a standby shares it with its primary.)
SELECT (SELECT jsonb_object_agg(s.name, s.value)::text
          FROM log_setting AS s
         WHERE s.name IN ('master_key_check', 'root_key', 'next_key_check', 'next_key',
                          'previous_key',
                          'stream_keys_under')) AS keys,
       (SELECT s.value FROM log_setting AS s WHERE s.name = 'restored') AS restored,
       (SELECT s.value FROM log_setting AS s WHERE s.name = 'last_erasure') AS erasure,
       (SELECT max(m.number) FROM schema_migration AS m) AS migration,
       (SELECT count(*) FROM log_partition) AS partitions,
       (SELECT d.oid::bigint FROM pg_database AS d WHERE d.datname = current_database())
           AS database,
       pg_postmaster_start_time() AS started;
