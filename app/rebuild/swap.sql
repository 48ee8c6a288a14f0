-- name: notice_death
-- The statement of a client that was killed ends within this time, and lets go of its locks.
SET client_connection_check_interval = '1s';

-- name: begin
-- False while another command holds the lock. The session holds the lock for the whole run.
SELECT pg_try_advisory_lock(hashtextextended('sessionary views', 0));

-- name: end
SELECT pg_advisory_unlock(hashtextextended('sessionary views', 0));

-- name: lock_timeout
-- {wait_ms} is the limit for each lock until the end of the transaction
SET LOCAL lock_timeout = {wait_ms};
