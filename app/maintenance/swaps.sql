-- name: begin
-- Waits until no rebuild is running, and keeps others from starting. The session holds the lock.
SELECT pg_advisory_lock_shared(hashtextextended('sessionary views', 0));

-- name: end
SELECT pg_advisory_unlock_shared(hashtextextended('sessionary views', 0));
