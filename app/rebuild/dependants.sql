-- name: dependants
-- $1 table   $2 columns that are written; objects that others made on the table, and that a swap
-- would break or remove with the former table
SELECT DISTINCT coalesce(
           (SELECT pg_describe_object('pg_class'::regclass, r.ev_class, 0)
              FROM pg_rewrite AS r
             WHERE d.classid = 'pg_rewrite'::regclass
               AND r.oid = d.objid
               AND r.rulename = '_RETURN'),
           pg_describe_object(d.classid, d.objid, d.objsubid)) AS what
  FROM pg_class AS c
  JOIN pg_type AS t
    ON t.oid = c.reltype
  -- (Each probes a range of the index: appends wait for this in a swap, and pg_depend may be long.)
 CROSS JOIN LATERAL (
           VALUES ('pg_class'::regclass, c.oid),
                  ('pg_type'::regclass, t.oid),
                  ('pg_type'::regclass, t.typarray)
       ) AS it(class, object)
  JOIN pg_depend AS d
    ON d.refclassid = it.class
   AND d.refobjid = it.object
 WHERE c.oid = to_regclass($1)
   AND CASE d.classid
           -- The table's own columns and indexes are copied.
           WHEN 'pg_class'::regclass
           THEN d.objid <> c.oid
            AND (SELECT r.relkind NOT IN ('i', 't') FROM pg_class AS r WHERE r.oid = d.objid)
           WHEN 'pg_constraint'::regclass
           THEN (SELECT k.conrelid <> c.oid OR k.contype = 'f'
                   FROM pg_constraint AS k
                  WHERE k.oid = d.objid)
           WHEN 'pg_trigger'::regclass
           THEN (SELECT NOT r.tgisinternal FROM pg_trigger AS r WHERE r.oid = d.objid)
           ELSE d.classid NOT IN ('pg_type'::regclass, 'pg_attrdef'::regclass,
                                  'pg_statistic_ext'::regclass)
       END
 UNION
SELECT format('row level security of table %I', c.relname)
  FROM pg_class AS c
 WHERE c.oid = to_regclass($1)
   AND (c.relrowsecurity OR c.relforcerowsecurity)
 UNION
SELECT format('replica identity of table %I', c.relname)
  FROM pg_class AS c
 WHERE c.oid = to_regclass($1)
   AND c.relreplident = 'i'
 UNION
-- The values of an added column are nowhere else.
SELECT format('column %I of table %I', a.attname, c.relname)
  FROM pg_class AS c
  JOIN pg_attribute AS a
    ON a.attrelid = c.oid
 WHERE c.oid = to_regclass($1)
   AND a.attnum > 0
   AND NOT a.attisdropped
   AND a.attgenerated = ''
   AND a.attname <> ALL ($2::text[])
 ORDER BY what;
