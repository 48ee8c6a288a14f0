-- name: has_citus
SELECT EXISTS (SELECT FROM pg_extension AS x WHERE x.extname = 'citus');

-- name: nodes
SELECT (SELECT g.groupid = 0 FROM pg_dist_local_group AS g) AS is_coordinator,
       (SELECT count(*)
          FROM pg_dist_node AS n
         WHERE n.shouldhaveshards
           AND n.isactive
           AND n.noderole = 'primary') AS holders;

-- name: is_distributed
SELECT EXISTS (SELECT
                 FROM log_setting AS s
                WHERE s.name = 'tables'
                  AND s.value = 'distributed') AS is_distributed;

-- name: allow
-- The triggers of the log run where its rows are, and look at nothing but these. What changes tables and
-- their rows in one transaction does so on one connection to each node.
SET LOCAL citus.enable_unsafe_triggers = on;
SET LOCAL citus.multi_shard_modify_mode = 'sequential';

-- name: tables
-- $1 tables of the views and of their histories
-- Each table of the migrations, and what becomes of it: `distributed` by its partition, beside the
-- partition's head; `copied` to each node, since rows of all partitions are looked up in it; `local` to
-- the coordinator, which everybody connects to. The heads come first.
SELECT t.name,
       CASE WHEN t.name ~ '^(account_info|principal)(_history)?$' THEN 'copied'
            ELSE t.kind
       END AS kind
  FROM (SELECT unnest(ARRAY['log_partition', 'stored_events', 'stream_key', 'idempotency_key',
                            'follower_checkpoint', 'event_index', 'history_reach', 'quarantine',
                            'activity', 'activity_actor', 'view_behind', 'person_term', 'term_to_forget',
                            'tree', 'tree_tile'] || $1::text[]),
               'distributed'
         UNION ALL
        SELECT unnest(ARRAY['log_setting', 'view_version']), 'copied'
         UNION ALL
        SELECT unnest(ARRAY['schema_migration', 'number_drawn', 'credential', 'login_session',
                            'token', 'refusal', 'lease', 'room', 'rebuild', 'rebuild_range',
                            'rebuild_finding', 'rebuild_doubt', 'rebuild_ask', 'view_kept', 'deed',
                            'backup_begun', 'signing_key', 'log_checkpoint', 'receipt']),
               'local') AS t(name, kind)
 ORDER BY t.name <> 'log_partition', t.name;

-- name: is_placed
-- $1 table
SELECT EXISTS (SELECT FROM pg_dist_partition AS p WHERE p.logicalrelid = to_regclass($1));

-- name: copy
-- $1 table
SELECT create_reference_table(to_regclass($1));

-- name: distribute_heads
SELECT create_distributed_table('log_partition', 'partition',
                                colocate_with := 'sessionary_distribution.piece');

-- name: make_pieces
-- (In a transaction of its own: Citus splits nothing after something else.)
CREATE SCHEMA IF NOT EXISTS sessionary_distribution;
DROP TABLE IF EXISTS sessionary_distribution.piece;
CREATE TABLE sessionary_distribution.piece (partition integer PRIMARY KEY);
SELECT create_distributed_table('sessionary_distribution.piece', 'partition', shard_count := 1,
                                colocate_with := 'none');

-- name: drop_pieces
DROP SCHEMA IF EXISTS sessionary_distribution CASCADE;

-- name: split
-- $1 number of partitions; a piece for each one, on the nodes in turn
WITH part AS (
    SELECT worker_hash(p.partition) AS hashed
      FROM generate_series(0, $1::integer - 1) AS p(partition)
), cut AS (
    SELECT array_agg((p.hashed - 1)::text ORDER BY p.hashed) AS points
      FROM (SELECT hashed FROM part ORDER BY hashed OFFSET 1) AS p
), node AS (
    SELECT array_agg(n.nodeid ORDER BY n.nodeid) AS ids
      FROM pg_dist_node AS n
     WHERE n.shouldhaveshards
       AND n.isactive
       AND n.noderole = 'primary'
)
SELECT citus_split_shard_by_split_points(
           (SELECT s.shardid
              FROM pg_dist_shard AS s
             WHERE s.logicalrelid = to_regclass('sessionary_distribution.piece')),
           cut.points,
           ARRAY(SELECT node.ids[1 + n % cardinality(node.ids)]
                   FROM generate_series(0, cardinality(cut.points)) AS n
                  ORDER BY n),
           'block_writes')
  FROM cut
 CROSS JOIN node
 WHERE cardinality(cut.points) > 0;

-- name: distribute
-- $1 table
SELECT create_distributed_table(to_regclass($1), 'partition', colocate_with := 'log_partition');

-- name: delegate
-- The append runs on the node that has the partition.
SELECT create_distributed_function(p.oid::regprocedure, 'p_partition', colocate_with := 'log_partition')
  FROM pg_proc AS p
 WHERE p.pronamespace = 'public'::regnamespace
   AND p.proname = 'append_1';

-- name: let_in
-- $1 role of the service. Nodes let each other in by the role that asks; without a password, by what their
-- administrators say. The statement, if the role may not log in.
SELECT format('ALTER ROLE %I LOGIN', r.rolname) AS statement
  FROM pg_roles AS r
 WHERE r.rolname = $1
   AND NOT r.rolcanlogin;
