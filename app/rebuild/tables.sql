-- name: lock_heads
-- Nobody appends until this transaction ends.
SELECT partition, position FROM lock_heads_1() ORDER BY partition;

-- name: lock_view
-- {live}, {fresh} tables
LOCK TABLE {live}, {fresh} IN ACCESS EXCLUSIVE MODE;

-- name: fill
-- Until the transaction ends. (An erasure takes the lock alone, once its mark is there.)
SELECT pg_advisory_xact_lock_shared(hashtextextended('sessionary fresh rows', 0));

-- name: begin_filling
-- As `fill`, until `end_filling`.
SELECT pg_advisory_lock_shared(hashtextextended('sessionary fresh rows', 0));

-- name: end_filling
SELECT pg_advisory_unlock_shared(hashtextextended('sessionary fresh rows', 0));

-- name: last_erasure
SELECT value FROM log_setting WHERE name = 'last_erasure';

-- name: erase_folded
-- $1 partition   $2 streams   $3 the last erasure that was known when they were read
SELECT erase_folded_1($1, $2, $3);

-- name: drop_fresh
-- {fresh} table
DROP TABLE IF EXISTS {fresh};

-- name: make_fresh
-- {live}, {fresh} tables; the next blocks copy what LIKE leaves out
CREATE TABLE {fresh} (LIKE {live} INCLUDING ALL EXCLUDING INDEXES);
ALTER TABLE {fresh} REPLICA IDENTITY FULL;

-- name: place
-- $1 copy   $2 table
SELECT place_1($1, $2);

-- name: missing_indexes
-- $1 table   $2 its copy   $3 whether only the one that finds a stream's row; the statements that
-- make the copy's missing indexes. (Made after the rows, they cost a fraction.)
WITH known AS (
    SELECT i.indrelid, i.indexrelid, i.indisunique, i.indisprimary, d.shape, k.definition,
           row_number() OVER (PARTITION BY i.indrelid, d.shape, i.indisunique, i.indisprimary
                                  ORDER BY i.indexrelid) AS nth
      FROM pg_index AS i
     CROSS JOIN LATERAL substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') AS d(shape)
      LEFT JOIN LATERAL (SELECT pg_get_constraintdef(c.oid) AS definition
                           FROM pg_constraint AS c
                          WHERE c.conindid = i.indexrelid
                            AND c.conrelid = i.indrelid
                            AND c.contype IN ('p', 'u', 'x')) AS k
        ON true
     WHERE i.indrelid IN (to_regclass($1), to_regclass($2))
       AND i.indisvalid
)
SELECT CASE
           WHEN live.definition IS NOT NULL
           THEN format('ALTER TABLE %I ADD %s', $2::text, live.definition)
           ELSE format('CREATE %sINDEX ON %I%s', CASE WHEN live.indisunique THEN 'UNIQUE ' END,
                       $2::text, live.shape)
       END AS statement
  FROM known AS live
 WHERE live.indrelid = to_regclass($1)
   AND (NOT $3::boolean OR live.shape = ' USING btree (partition, stream_id)' AND live.nth = 1)
   AND NOT EXISTS (SELECT
                     FROM known AS fresh
                    WHERE fresh.indrelid = to_regclass($2)
                      AND (fresh.shape, fresh.indisunique, fresh.indisprimary, fresh.nth)
                        = (live.shape, live.indisunique, live.indisprimary, live.nth))
 ORDER BY live.indexrelid;

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
-- {live}, {fresh}, {former} tables
DROP TABLE IF EXISTS {former};
ALTER TABLE {live} RENAME TO {former};
ALTER TABLE {fresh} RENAME TO {live};

-- name: drop_former
-- {former} table, which never had a row
DROP TABLE {former};

-- name: keep_positions
-- $1 view   $2 partitions, $3 positions: of equal length
INSERT INTO view_kept (view, partition, position)
SELECT $1, k.partition, k.position
  FROM unnest($2::integer[], $3::bigint[]) AS k(partition, position);

-- name: forget_positions
-- $1 view
DELETE FROM view_kept WHERE view = $1;

-- name: in_step
-- $1 view; its rows are those of the log's end, whoever appended
DELETE FROM view_behind WHERE name = $1;

-- name: kept
-- $1 view
SELECT partition, position
  FROM view_kept
 WHERE view = $1
 ORDER BY partition;

-- name: columns
-- $1 table; its columns, with their types and what generates them
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid)
  FROM pg_attribute AS a
  LEFT JOIN pg_attrdef AS d
    ON d.adrelid = a.attrelid
   AND d.adnum = a.attnum
 WHERE a.attrelid = to_regclass($1)
   AND a.attnum > 0
   AND NOT a.attisdropped
 ORDER BY a.attnum;

-- name: drop_former
-- {former} table
DROP TABLE IF EXISTS {former};

-- name: take_former
-- {fresh}, {former} tables
DROP TABLE IF EXISTS {fresh};
ALTER TABLE {former} RENAME TO {fresh};

-- name: put_former_back
-- {fresh}, {former} tables
ALTER TABLE {fresh} RENAME TO {former};

-- name: is_away
-- {fresh}, {former} tables   $1 view; whether the former table bears the name of a fresh one
SELECT to_regclass('{former}') IS NULL
   AND to_regclass('{fresh}') IS NOT NULL
   AND EXISTS (SELECT FROM view_kept WHERE view = $1);

-- name: renames
-- $1 table   $2 its copy; the statements that give the copy's indexes the names of the table's. The
-- table is kept: its indexes get other names before.
WITH known AS (
    SELECT i.indrelid, i.indexrelid, c.relname AS name, d.shape, i.indisunique, i.indisprimary,
           row_number() OVER (PARTITION BY i.indrelid, d.shape, i.indisunique, i.indisprimary
                                  ORDER BY i.indexrelid) AS nth
      FROM pg_index AS i
      JOIN pg_class AS c
        ON c.oid = i.indexrelid
     -- The part before USING has only the names of the index and its table.
     CROSS JOIN LATERAL substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') AS d(shape)
     WHERE i.indrelid IN (to_regclass($1), to_regclass($2))
)
SELECT s.statement
  FROM known AS live
  JOIN known AS fresh USING (shape, indisunique, indisprimary, nth)
 CROSS JOIN LATERAL (
          VALUES (1, format('ALTER INDEX %I RENAME TO %I', live.name, 'former_' || live.indexrelid)),
                 (2, format('ALTER INDEX %I RENAME TO %I', fresh.name, live.name))
      ) AS s(step, statement)
 WHERE live.indrelid = to_regclass($1)
   AND fresh.indrelid = to_regclass($2)
 ORDER BY s.step;
