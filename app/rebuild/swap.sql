-- name: notice_death
-- The statement of a client that was killed ends within this time, and lets go of its locks.
SET client_connection_check_interval = '1s';

-- name: begin
-- False while another command holds the lock. The session holds the lock for the whole run.
SELECT pg_try_advisory_lock(hashtextextended('sessionary views', 0));

-- name: end
SELECT pg_advisory_unlock(hashtextextended('sessionary views', 0));

-- name: behind
-- $1 name of a version; the streams whose rows lack events
SELECT count(*)
  FROM view_behind
 WHERE name = $1;

-- name: switch
-- $1 view   $2 version
UPDATE view_version
   SET is_live = version = $2
 WHERE view = $1;

-- name: lock_timeout
-- {wait_ms} is the limit for each lock until the end of the transaction
SET LOCAL lock_timeout = {wait_ms};
