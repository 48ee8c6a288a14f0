-- name: lock_heads
-- Nobody appends until this transaction ends.
SELECT partition, position, recorded_at
  FROM log_partition
 ORDER BY partition
   FOR UPDATE;

-- name: indexes
-- $1 table
SELECT indexname
  FROM pg_indexes
 WHERE schemaname = 'public'
   AND tablename = $1;

-- name: grants
-- $1 table; who may read it
SELECT grantee
  FROM information_schema.role_table_grants
 WHERE table_schema = 'public'
   AND table_name = $1
   AND privilege_type = 'SELECT';
