-- name: knows_nodes
-- Whether the server has Citus, by which the tables may be on several nodes.
SELECT to_regclass('pg_dist_partition') IS NOT NULL AS knows;

-- name: is_distributed
SELECT EXISTS (SELECT
                 FROM pg_dist_partition AS t
                WHERE t.logicalrelid = to_regclass('stored_events')) AS so;

-- name: here
-- The one server, and what the tables take there that have partitions.
SELECT coalesce(host(inet_server_addr()), 'local') || ':' || current_setting('port') AS node,
       sum(pg_table_size(c.oid))::bigint AS table_bytes,
       sum(pg_indexes_size(c.oid))::bigint AS index_bytes
  FROM pg_class AS c
 WHERE c.relnamespace = to_regnamespace('public')
   AND c.relkind = 'r'
   AND EXISTS (SELECT
                 FROM pg_attribute AS a
                WHERE a.attrelid = c.oid
                  AND a.attname = 'partition'
                  AND NOT a.attisdropped);

-- name: nodes
-- $1 number of partitions; the node of each one, and what its pieces of all tables take there
WITH home AS (
    SELECT p.partition, s.shardminvalue AS least
      FROM generate_series(0, $1::integer - 1) AS p(partition)
      JOIN pg_dist_shard AS s
        ON s.shardid = get_shard_id_for_distribution_column('stored_events', p.partition)
), piece AS (
    SELECT s.shardminvalue AS least, c.nodename || ':' || c.nodeport AS node,
           split_part(c.result, ' ', 1)::bigint AS table_bytes,
           split_part(c.result, ' ', 2)::bigint AS index_bytes
      FROM pg_dist_partition AS t
     CROSS JOIN LATERAL run_command_on_placements(
                    t.logicalrelid,
                    'SELECT pg_table_size(''%1$s'') || '' '' || pg_indexes_size(''%1$s'')') AS c
      JOIN pg_dist_shard AS s
        ON s.shardid = c.shardid
     WHERE t.partmethod = 'h'
       AND c.success
)
SELECT h.partition, p.node, sum(p.table_bytes)::bigint AS table_bytes,
       sum(p.index_bytes)::bigint AS index_bytes
  FROM home AS h
  JOIN piece AS p
    ON p.least = h.least
 GROUP BY h.partition, p.node
 ORDER BY h.partition;

-- name: sessions
-- The sessions that are there, counted.
SELECT s.partition, sum(s.sessions)::bigint AS sessions
  FROM (SELECT v.partition, count(*) AS sessions
          FROM ai_session_info AS v
         GROUP BY v.partition
         UNION ALL
        SELECT v.partition, count(*)
          FROM chat_session_entity AS v
         GROUP BY v.partition) AS s
 GROUP BY s.partition;

-- name: rows
-- The same of all partitions of the one server, by the last ANALYZE.
SELECT sum(greatest(c.reltuples, 0))::bigint AS sessions
  FROM pg_class AS c
 WHERE c.oid IN (to_regclass('ai_session_info'), to_regclass('chat_session_entity'));

-- name: lately
-- $1 seconds; the events of each partition within so many seconds
SELECT h.partition, h.position - c.position AS events
  FROM log_partition AS h
  JOIN cut_at_1(clock_timestamp() - make_interval(secs => $1)) AS c
    ON c.partition = h.partition;
