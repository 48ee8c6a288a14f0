-- name: look
-- A database that took another's place has another number, or another server. (Not the server's
-- system identifier: a standby has that of its primary.)
SELECT (SELECT s.value FROM log_setting AS s WHERE s.name = 'master_key_check') AS check_value,
       (SELECT max(m.number) FROM schema_migration AS m) AS migration,
       (SELECT count(*) FROM log_partition) AS partitions,
       (SELECT d.oid::bigint FROM pg_database AS d WHERE d.datname = current_database())
           AS database,
       pg_postmaster_start_time() AS started;
