-- name: look
-- A replaced database differs in its number, or in the start of its server. (The server's system
-- identifier would not differ: a standby shares it with its primary.)
SELECT (SELECT s.value FROM log_setting AS s WHERE s.name = 'master_key_check') AS check_value,
       (SELECT max(m.number) FROM schema_migration AS m) AS migration,
       (SELECT count(*) FROM log_partition) AS partitions,
       (SELECT d.oid::bigint FROM pg_database AS d WHERE d.datname = current_database())
           AS database,
       pg_postmaster_start_time() AS started;
