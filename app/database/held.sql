-- name: at_work
-- $1 numbers of backends
-- A backend that waits for its client is not at work, whatever its state: between two messages of
-- one statement it is `active`.
SELECT pid
  FROM pg_stat_activity
 WHERE pid = any($1::integer[])
   AND wait_event_type IS DISTINCT FROM 'Client';

-- name: end_waiting
-- $1 numbers of backends; ends those that wait for their client
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE pid = any($1::integer[])
   AND wait_event_type = 'Client'
   AND starts_with(application_name, 'sessionary ');
