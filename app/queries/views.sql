-- name: look_up
-- {view}   $1 partitions, $2 streams: of equal length
-- Returns a row for each, which is empty if the view has none.
SELECT wanted.stream, wanted.partition, v.version, v.position,
       v.created_by, v.created_at, v.modified_by, v.modified_at, v.doc,
       {account_name} AS account_name
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  -- (An index has equal keys in the order of their rows on disk, with the newest version last. So a
  -- backward scan meets it first, however many old versions a long snapshot keeps. The keys are
  -- compared as a row, since no other index supports that: with statistics that count no rows, the
  -- planner could choose any index.)
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
