-- name: process
SELECT pg_backend_pid();
