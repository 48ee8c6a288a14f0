-- name: standing
-- Of which cluster this server is, and the timeline that it writes; null: it is a standby.
-- (The control file would lag behind a promotion until the next checkpoint.)
SELECT (SELECT c.system_identifier FROM pg_control_system() AS c) AS system,
       CASE WHEN NOT pg_is_in_recovery()
            THEN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
       END AS timeline;
