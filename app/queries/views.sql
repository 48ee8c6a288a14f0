-- name: look_up
-- {view}   $1 partitions, $2 streams: of one length; a row for each, empty where there is none
SELECT wanted.stream, wanted.partition, v.version, v.position,
       v.created_by, v.created_at, v.modified_by, v.modified_at, v.doc,
       {account_name} AS account_name
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  -- (Equal keys are in an index as their rows are on disk, the newest version last: backwards it is
  -- met first, however many old ones a long snapshot keeps. Compared as a row, which no other index
  -- can: statistics that see no row would let the planner take any.)
  LEFT JOIN LATERAL (
           SELECT *
             FROM {view} AS r
            WHERE (r.partition, r.stream_id) <= (wanted.partition, wanted.stream)
              AND (r.partition, r.stream_id) >= (wanted.partition, wanted.stream)
            ORDER BY r.partition DESC, r.stream_id DESC
            LIMIT 1
       ) AS v ON true;

-- name: account_name
(SELECT i.name FROM account_info AS i WHERE i.account_id = v.account_id LIMIT 1)

-- name: alive
SELECT 1 AS alive;
