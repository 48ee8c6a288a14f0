-- name: states
-- $1 numbers of backends
SELECT pid, state
  FROM pg_stat_activity
 WHERE pid = any($1::integer[]);

-- name: end_idle
-- $1 numbers of backends; those of them that do nothing are ended
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE pid = any($1::integer[])
   AND state = 'idle'
   AND application_name = 'sessionary';
