-- name: database
SELECT current_setting('server_version') AS version,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS up_s,
       pg_database_size(current_database()) AS bytes,
       pg_is_in_recovery() AS is_standby,
       CASE WHEN current_setting('synchronous_commit') IN ('local', 'off') THEN ''
            ELSE current_setting('synchronous_standby_names') END AS waits_for,
       current_setting('max_connections')::integer AS most_connections,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       (SELECT max(number) FROM schema_migration) AS migration;

-- name: heads
SELECT partition, position,
       CASE WHEN position > 0 THEN recorded_at END AS recorded_at,
       CASE WHEN position > 0
            THEN extract(epoch FROM clock_timestamp() - recorded_at)::float8 END AS age_s
  FROM log_partition
 ORDER BY partition;

-- name: workers
-- The connections of each process that serves, by the name that it gives them.
SELECT split_part(application_name, ' ', 2) AS release,
       split_part(application_name, ' ', 3) AS name,
       count(*) AS connections,
       min(backend_start) AS since
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND application_name ~ '^sessionary [^ ]+ [^ ]+:[0-9]+$'
 GROUP BY application_name
 ORDER BY application_name;
