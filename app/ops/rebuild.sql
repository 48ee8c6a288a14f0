-- name: begin
-- False while another command holds the lock; it is the session's, for the whole run.
SELECT pg_try_advisory_lock(hashtextextended('sessionary views', 0));

-- name: end
SELECT pg_advisory_unlock(hashtextextended('sessionary views', 0));

-- name: lock_heads
-- Nobody appends until this transaction ends.
SELECT partition, position
  FROM log_partition
 ORDER BY partition
   FOR UPDATE;

-- name: table
-- $1 table; its owner as SQL, and its storage parameters as SQL: null for none
SELECT quote_ident(r.rolname) AS owner,
       (SELECT string_agg(format('%I = %L', o.option_name, o.option_value), ', ')
          FROM pg_options_to_table(c.reloptions) AS o) AS parameters
  FROM pg_class AS c
  JOIN pg_roles AS r
    ON r.oid = c.relowner
 WHERE c.oid = to_regclass($1);

-- name: grants
-- $1 table; who may do what with it, the grantee as SQL
SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
           AS grantee,
       a.privilege_type AS privilege,
       bool_or(a.is_grantable) AND a.grantee <> 0 AS is_grantable
  FROM pg_class AS c
 CROSS JOIN LATERAL aclexplode(c.relacl) AS a
 WHERE c.oid = to_regclass($1)
   AND a.grantee <> c.relowner
 GROUP BY a.grantee, a.privilege_type;

-- name: indexes
-- $1 table   $2 its copy; each index of the copy beside the one that it is a copy of, names as SQL
WITH known AS (
    SELECT i.indrelid, quote_ident(c.relname) AS name, d.shape, i.indisunique, i.indisprimary,
           row_number() OVER (PARTITION BY i.indrelid, d.shape, i.indisunique, i.indisprimary
                                  ORDER BY i.indexrelid) AS nth
      FROM pg_index AS i
      JOIN pg_class AS c
        ON c.oid = i.indexrelid
     -- What stands before it is the names of the index and of its table.
     CROSS JOIN LATERAL substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') AS d(shape)
     WHERE i.indrelid IN (to_regclass($1), to_regclass($2))
)
SELECT live.name AS name, fresh.name AS copy
  FROM known AS live
  JOIN known AS fresh USING (shape, indisunique, indisprimary, nth)
 WHERE live.indrelid = to_regclass($1)
   AND fresh.indrelid = to_regclass($2);

-- name: forget
-- {fresh} table   $1 partition   $2 streams
DELETE FROM {fresh}
 WHERE partition = $1
   AND stream_id = ANY ($2::uuid[]);

-- name: whole_tables
-- The connection is set up for probes; what compares whole tables is not one.
SET LOCAL enable_seqscan = on;
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on;

-- name: count
-- {fresh} table
SELECT count(*) FROM {fresh};

-- name: differing
-- {live}, {fresh} tables; how many rows are in one only, or not alike in both
SELECT count(*)
  FROM {fresh} AS f
  FULL JOIN {live} AS l
    ON l.partition = f.partition
   AND l.stream_id = f.stream_id
 WHERE f IS DISTINCT FROM l;
