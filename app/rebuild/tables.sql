-- name: lock_heads
-- Nobody appends until this transaction ends.
SELECT partition, position
  FROM log_partition
 ORDER BY partition
   FOR UPDATE;

-- name: lock_view
-- {live}, {fresh} tables
LOCK TABLE {live}, {fresh} IN ACCESS EXCLUSIVE MODE;

-- name: drop_fresh
-- {fresh} table
DROP TABLE IF EXISTS {fresh};

-- name: make_fresh
-- {live}, {fresh} tables; the next blocks copy what LIKE leaves out
CREATE TABLE {fresh} (LIKE {live} INCLUDING ALL);
ALTER TABLE {fresh} REPLICA IDENTITY FULL;

-- name: ungranted
-- $1 table; the statements that revoke from others the default privileges on it
SELECT format('REVOKE ALL ON %I FROM %s', c.relname,
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
           AS statement
  FROM pg_class AS c
 CROSS JOIN LATERAL aclexplode(c.relacl) AS a
 WHERE c.oid = to_regclass($1)
   AND a.grantee <> c.relowner
 GROUP BY c.relname, a.grantee;

-- name: parameters
-- $1 table   $2 its copy; the statement that copies the storage parameters, if any
SELECT format('ALTER TABLE %I SET (%s)', $2::text,
              string_agg(format('%I = %L', o.option_name, o.option_value), ', ')) AS statement
  FROM pg_class AS c
 CROSS JOIN LATERAL pg_options_to_table(c.reloptions) AS o
 WHERE c.oid = to_regclass($1)
HAVING count(*) > 0;

-- name: grants
-- $1 table   $2 its copy; the statements that grant others the same rights on the copy as on $1
SELECT format('GRANT %s%s ON %I TO %s%s', g.privilege_type, ' (' || quote_ident(g.attname) || ')',
              $2::text,
              CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
              CASE WHEN bool_or(g.is_grantable) AND g.grantee <> 0 THEN ' WITH GRANT OPTION' END)
           AS statement
  FROM (SELECT NULL::name AS attname, c.relowner, a.*
          FROM pg_class AS c
         CROSS JOIN LATERAL aclexplode(c.relacl) AS a
         WHERE c.oid = to_regclass($1)
         UNION ALL
        SELECT k.attname, c.relowner, a.*
          FROM pg_class AS c
          JOIN pg_attribute AS k
            ON k.attrelid = c.oid
         CROSS JOIN LATERAL aclexplode(k.attacl) AS a
         WHERE c.oid = to_regclass($1)) AS g
 WHERE g.grantee <> g.relowner
 GROUP BY g.attname, g.grantee, g.privilege_type;

-- name: identity
-- $1 table   $2 its copy; the statement that gives the copy the replica identity of $1, if special
SELECT format('ALTER TABLE %I REPLICA IDENTITY %s', $2::text,
              CASE c.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END) AS statement
  FROM pg_class AS c
 WHERE c.oid = to_regclass($1)
   AND c.relreplident IN ('f', 'n');

-- name: owner
-- $1 table   $2 its copy; the statement that gives the copy to the table's owner
SELECT format('ALTER TABLE %I OWNER TO %I', $2::text, pg_get_userbyid(c.relowner)) AS statement
  FROM pg_class AS c
 WHERE c.oid = to_regclass($1);

-- name: replace
-- {live}, {fresh} tables
DROP TABLE {live};
ALTER TABLE {fresh} RENAME TO {live};

-- name: renames
-- $1 table   $2 its copy; the statements that rename the copy's indexes to the table's index names,
-- for use when the table is gone
WITH known AS (
    SELECT i.indrelid, c.relname AS name, d.shape, i.indisunique, i.indisprimary,
           row_number() OVER (PARTITION BY i.indrelid, d.shape, i.indisunique, i.indisprimary
                                  ORDER BY i.indexrelid) AS nth
      FROM pg_index AS i
      JOIN pg_class AS c
        ON c.oid = i.indexrelid
     -- The part before USING has only the names of the index and its table.
     CROSS JOIN LATERAL substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') AS d(shape)
     WHERE i.indrelid IN (to_regclass($1), to_regclass($2))
)
SELECT format('ALTER INDEX %I RENAME TO %I', fresh.name, live.name) AS statement
  FROM known AS live
  JOIN known AS fresh USING (shape, indisunique, indisprimary, nth)
 WHERE live.indrelid = to_regclass($1)
   AND fresh.indrelid = to_regclass($2);
