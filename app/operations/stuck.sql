-- name: waiting
-- $1 seconds
-- Those who have waited for so long, each with one that it waits for. Only the first words of a
-- statement are read: the rest may hold personal data.
SELECT w.pid, w.application_name AS application,
       extract(epoch FROM clock_timestamp() - w.query_start)::float8 AS waits_s,
       b.pid AS blocker, b.usename::text AS blocker_login, b.application_name AS blocker_application,
       b.state AS blocker_state,
       substring(b.query FROM '^\s*([A-Za-z]+(?:\s+[A-Za-z]+)?)') AS blocker_statement,
       extract(epoch FROM clock_timestamp() - b.xact_start)::float8 AS blocker_s
  FROM pg_stat_activity AS w
 CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS x(pid)
  JOIN pg_stat_activity AS b
    ON b.pid = x.pid
 WHERE w.datname = current_database()
   AND w.query_start < clock_timestamp() - make_interval(secs => $1)
 ORDER BY w.query_start;

-- name: next_event
-- $1 partition   $2 position
SELECT topic, originator_id AS stream, originator_version AS version
  FROM stored_events
 WHERE partition = $1
   AND notification_id = $2;
