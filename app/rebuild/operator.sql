-- name: take_office
-- False while another process holds it. The session holds the lock for as long as it lasts; the
-- service looks for it (`held_1`).
SELECT pg_try_advisory_lock(hashtextextended('sessionary operator', 0));
