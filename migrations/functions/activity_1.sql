-- Who waits for whom in this database: the service's own login may see its own sessions only.
-- Returns those who have waited for p_seconds, each with one that it waits for. Of statements, only the
-- first words: the rest may hold personal data.
CREATE OR REPLACE FUNCTION waiting_1(
    p_seconds double precision,
    OUT pid integer, OUT application text, OUT waits_s double precision,
    OUT blocker integer, OUT blocker_login text, OUT blocker_application text,
    OUT blocker_state text, OUT blocker_statement text, OUT blocker_s double precision
) RETURNS SETOF record
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    SELECT w.pid, w.application_name,
           extract(epoch FROM clock_timestamp() - w.query_start)::float8,
           b.pid, b.usename::text, b.application_name, b.state,
           substring(b.query FROM '^\s*([A-Za-z]+(?:\s+[A-Za-z]+)?)'),
           extract(epoch FROM clock_timestamp() - b.xact_start)::float8
      FROM pg_stat_activity AS w
     CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS x(pid)
      JOIN pg_stat_activity AS b
        ON b.pid = x.pid
     WHERE w.datname = current_database()
       AND w.query_start < clock_timestamp() - make_interval(secs => p_seconds)
     ORDER BY w.query_start;
$$;
