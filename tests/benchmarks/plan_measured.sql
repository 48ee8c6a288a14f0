-- name: relations
-- Tables with what they keep beside themselves, and their indexes: bytes, and rows or entries.
SELECT c.relname AS name,
       coalesce(t.relname, c.relname) AS "table",
       t.relname IS NOT NULL AS is_index,
       CASE WHEN t.relname IS NULL THEN pg_table_size(c.oid) ELSE pg_relation_size(c.oid) END AS bytes,
       greatest(c.reltuples, 0)::bigint AS rows
  FROM pg_class AS c
  LEFT JOIN pg_index AS i
    ON i.indexrelid = c.oid
  LEFT JOIN pg_class AS t
    ON t.oid = i.indrelid
 WHERE c.relnamespace = to_regnamespace('public')
   AND c.relkind IN ('r', 'i');

-- name: settle
VACUUM ANALYZE;

-- name: written
-- Bytes of WAL since the server was made.
SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS wal_bytes;

-- name: events
SELECT sum(position)::bigint AS events
  FROM log_partition;

-- name: messages
SELECT last_value AS messages
  FROM chat_message_number;
