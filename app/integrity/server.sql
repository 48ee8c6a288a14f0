-- name: vacuum
-- $1 tables; whether the database's servants are at work, and those of our tables that they pass over
SELECT current_setting('autovacuum')::boolean AS is_on,
       current_setting('track_counts')::boolean AS counts,
       ARRAY(SELECT c.relname::text
               FROM pg_class AS c
              WHERE c.relname = ANY ($1::text[])
                AND c.relnamespace = to_regnamespace('public')
                AND 'autovacuum_enabled=false' = ANY (c.reloptions)
              ORDER BY c.relname) AS passed_over;

-- name: standbys
-- The standbys that commits wait for, and whether they do.
SELECT current_setting('synchronous_standby_names') AS names,
       current_setting('synchronous_commit') AS level;

-- name: ages
-- How many transactions ago the oldest one was that no table has frozen, and what the server makes of
-- that: from `due` on it freezes, from `urgent` on it does nothing else.
SELECT 'transaction' AS kind, age(d.datfrozenxid) AS age,
       current_setting('autovacuum_freeze_max_age')::integer AS due,
       current_setting('vacuum_failsafe_age')::integer AS urgent
  FROM pg_database AS d
 WHERE d.datname = current_database()
 UNION ALL
SELECT 'multixact', mxid_age(d.datminmxid),
       current_setting('autovacuum_multixact_freeze_max_age')::integer,
       current_setting('vacuum_multixact_failsafe_age')::integer
  FROM pg_database AS d
 WHERE d.datname = current_database();

-- name: bloat
-- $1 tables; the dead rows of each, and the bytes that its pages have beside its rows: by the usual
-- estimate, from the rows and widths that the last ANALYZE saw. (24: the head of a page, or of a row;
-- 4: its pointer.)
WITH page AS (
    SELECT current_setting('block_size')::numeric AS bytes
), width AS (
    SELECT s.tablename, sum((1 - s.null_frac) * s.avg_width) AS bytes
      FROM pg_stats AS s
     WHERE s.schemaname = 'public'
       AND s.tablename = ANY ($1::text[])
     GROUP BY s.tablename
), needed AS (
    SELECT c.oid, ceil(c.reltuples * (ceil((24 + w.bytes) / 8) * 8 + 4)
                       / ((page.bytes - 24) * coalesce(f.factor, 100) / 100)) AS pages
      FROM pg_class AS c
     CROSS JOIN page
      JOIN width AS w
        ON w.tablename = c.relname
      LEFT JOIN LATERAL (
                SELECT substring(o.text FROM '^fillfactor=(\d+)$')::numeric AS factor
                  FROM unnest(c.reloptions) AS o(text)
                 WHERE o.text LIKE 'fillfactor=%') AS f
        ON true
     WHERE c.relnamespace = to_regnamespace('public')
       AND c.reltuples > 0
)
SELECT c.relname::text AS name, coalesce(t.n_dead_tup, 0) AS dead, coalesce(t.n_live_tup, 0) AS live,
       c.relpages * page.bytes::float8 AS bytes,
       coalesce(greatest(c.relpages - n.pages, 0) * page.bytes, 0)::float8 AS bloat
  FROM pg_class AS c
 CROSS JOIN page
  LEFT JOIN needed AS n
    ON n.oid = c.oid
  LEFT JOIN pg_stat_user_tables AS t
    ON t.relid = c.oid
 WHERE c.relname = ANY ($1::text[])
   AND c.relnamespace = to_regnamespace('public')
 ORDER BY c.relname;

-- name: size
SELECT pg_database_size(current_database()) AS bytes;

-- name: indexes
-- $1 tables; the indexes of each that belong to no constraint
SELECT c.relname::text AS table_name, i.indisunique AS is_unique,
       substring(pg_get_indexdef(i.indexrelid) FROM ' USING btree (.*)') AS shape
  FROM pg_index AS i
  JOIN pg_class AS c
    ON c.oid = i.indrelid
 WHERE c.relname = ANY ($1::text[])
   AND c.relnamespace = to_regnamespace('public')
   AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid);
